"""The codecs that ship: what a grid may say of each, and which networks it has.

A plan reads this file and imports no network.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ablate.codecs.agustsson import settings
from ablate.codecs.agustsson.settings import AgustssonSettings
from ablate.plugins import codec

if TYPE_CHECKING:
    from ablate.codecs.codec import TrainableCodec


@codec(
    source="Agustsson et al. 2019, ICCV",
    code=settings.code,
    stride=settings.stride,
    rate=settings.has_rate,
    settings=tuple(AgustssonSettings.model_fields),
    check=settings.check,
)
def agustsson(settings: AgustssonSettings) -> TrainableCodec:
    """A generator that makes images of a few symbols, to which channels of noise may be added.

    With an entropy model (`model.prior`) the symbols are whole numbers, and their bits are learned.
    """
    if settings.prior == "none":
        from ablate.codecs.agustsson.codec import AgustssonCodec

        return AgustssonCodec(settings)
    from ablate.codecs.agustsson.rated import RatedCodec

    return RatedCodec(settings)


def _hific_fits(given: AgustssonSettings, crop: int, _batch_size: int) -> None:
    """Refuses crops of no whole latents, and a codec without an entropy model.

    Raises:
        ValueError: where that is so.
    """
    settings.require_whole_latents(given, crop)
    if given.prior == "none":
        raise ValueError(
            'model.codec = "hific" sends whole numbers without a bound, which model.prior = "none" cannot code; HiFiC '
            'has "hyperprior"'
        )


@codec(
    source="Mentzer et al. 2020, NeurIPS, and its release",
    code=settings.code,
    stride=settings.stride,
    rate=True,
    settings=("channels", "width", "downsamplings", "residual_blocks", "norm", "prior", "prior_width", "rounding"),
    check=_hific_fits,
)
def hific(given: AgustssonSettings) -> TrainableCodec:
    """HiFiC's encoder and generator, and a hyperprior with networks of its own for means and for scales."""
    from ablate.codecs.hific.codec import HificCodec

    return HificCodec(given)
