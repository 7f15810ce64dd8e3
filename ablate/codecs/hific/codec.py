"""The codec HiFiC (Mentzer et al. 2020, "High-Fidelity Generative Image Compression")."""

from __future__ import annotations

from ablate.codecs.agustsson import settings
from ablate.codecs.agustsson.rated import RatedCodec
from ablate.codecs.agustsson.settings import AgustssonSettings
from ablate.codecs.codec import TrainableCodec
from ablate.codecs.hific.networks import HificEncoder, HificGenerator
from ablate.plugins import codec


def check(given: AgustssonSettings, crop: int, _batch_size: int) -> None:
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
    check=check,
)
def hific(given: AgustssonSettings) -> TrainableCodec:
    """HiFiC's encoder and generator, and a hyperprior with networks of its own for means and for scales."""
    return HificCodec(given)


class HificCodec(RatedCodec):
    """Files as those of `RatedCodec`; none of the source's networks is in it."""

    ENCODER, GENERATOR = HificEncoder, HificGenerator
    APART = True
