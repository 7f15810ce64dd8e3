"""The discriminators that judge the features of a frozen network, after Projected GANs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn
from torch.nn import functional as F

from ablate.discriminators.discriminator import Discriminator, DiscriminatorOutput, Features
from ablate.discriminators.mixing import MIXINGS, Mixing
from ablate.discriminators.multiscale import normalise_spectrum
from ablate.discriminators.settings import DiscriminatorSettings
from ablate.layers.initial import initialise
from ablate.layers.norm import norm
from ablate.layers.padding import SameConv2d
from ablate.networks.frozen import FrozenNetwork, frozen_networks
from ablate.registry import chosen
from ablate.rng import stream


def frozen(network: str, sha256: str) -> FrozenNetwork:
    """Returns the network of that name, with the weights of that sha256 where it is not the published one."""
    entry = frozen_networks[network]
    found: FrozenNetwork = entry.function(**entry.resolve({"sha256": sha256} if sha256 else {}))
    return found


def require_fit(settings: DiscriminatorSettings, crop: int) -> None:
    """Refuses settings that there are no features or no maps for.

    Raises:
        ValueError: for an option of the kind, too many heads, or maps that are too small.
    """
    options: Mapping[str, Any] = settings.kind.options
    network = frozen(options["network"], options["sha256"])
    mixing = chosen("mixing", options["mixing"], MIXINGS)
    side = options["side"] or network.side or crop
    name = f'discriminator.kind = "features" with network = "{options["network"]}"'
    if options["side"] < 0 or side % network.multiple:
        raise ValueError(f"{name} takes sides that are multiples of {network.multiple} pixels, and side = {side}")
    if not options["projected"] >= 1:
        raise ValueError(f"{name} mixes features into 1 channel or more, not projected = {options['projected']}")
    if mixing.doubles and len(set(network.strides)) < len(network.strides):
        raise ValueError(f'{name} has maps of one size, where mixing = "scale" needs several; take "channel" or "none"')
    if settings.scales > len(network.channels):
        raise ValueError(
            f"{name} has {len(network.channels)} maps to judge, and discriminator.scales = {settings.scales}"
        )
    if settings.quirks.double_leaky_relu:
        raise ValueError(
            f"{name} has no trunk of the source's that discriminator.quirks.double_leaky_relu could double"
        )
    smallest = min(
        side / stride * (2 if mixing.doubles else 1) / 2 ** _depth(settings, scale)
        for scale, stride in enumerate(network.strides[: settings.scales])
    )
    if settings.norm == "instance" and smallest <= 1:
        raise ValueError(
            f"{name} ends in a 1x1 feature map at {side} pixels, which instance norm makes constant; take a larger "
            'side or crop, fewer discriminator.layers or scales, or discriminator.norm = "channel"'
        )


def _depth(settings: DiscriminatorSettings, scale: int) -> int:
    return max(settings.layers - scale, 1)


class FeatureDiscriminator(Discriminator):
    """One head for each of `scales` maps of a frozen network, the first on the finest.

    The frozen network is no part of the module: it is in no checkpoint, and one copy serves all trainings of a process.
    The random mixing is drawn from the seed, never trained, and in no checkpoint either.
    """

    def __init__(
        self, settings: DiscriminatorSettings, network: FrozenNetwork, side: int, mixing: type[Mixing], projected: int
    ) -> None:
        super().__init__()
        self.scales = settings.scales
        self.side = side or network.side
        self.spectral_norm = settings.spectral_norm
        self.network = network
        self.mixing = mixing(network.channels, projected)
        self.heads = nn.ModuleList(
            Head(channels, scale, settings) for scale, channels in enumerate(self.mixing.channels[: settings.scales])
        )

    def forward(self, image: Tensor, _symbols: Tensor | None = None) -> DiscriminatorOutput:
        """Looks at images (N, 3, H, W) in [-1, 1]; what the codec sent of them is not looked at."""
        if self.side:
            image = F.interpolate(image, (self.side, self.side), mode="bilinear", align_corners=False)
        maps = self.mixing(self.network.maps(image))
        judged = [head(each) for head, each in zip(self.heads, maps, strict=False)]
        return DiscriminatorOutput(tuple(logits for logits, _ in judged), tuple(found for _, found in judged))

    def initialise(self, seed: int) -> None:
        """Draws the mixing and each head's weights from streams of their own, so that one more head shifts no other.

        Raises:
            AbsentError: if the frozen network's weights are not there, which is known before the first step then.
        """
        self.network.require()
        self.mixing.draw(stream(seed, "discriminator.mixing"))
        for scale, head in enumerate(self.heads):
            initialise(head, stream(seed, "discriminator.init", scale))
            if self.spectral_norm:
                normalise_spectrum(head, stream(seed, "discriminator.spectral_norm", scale))


class Head(nn.Module):
    """conv4 s2 with norm and LeakyReLU 0.2, `layers` at the finest scale and one fewer at each next; conv4 to a logit.

    As in the release all heads end at one resolution and in as many channels, but with the norm of the settings where
    that has batch norm, by which a logit would hang on the other images of its batch.
    """

    def __init__(self, channels: int, scale: int, settings: DiscriminatorSettings) -> None:
        super().__init__()
        self.layers = nn.Sequential()
        for layer in range(_depth(settings, scale)):
            width = settings.width * 2 ** min(scale + layer, settings.layers - 1)
            self.layers.extend(
                [SameConv2d(channels, width, 4, stride=2), norm(settings.norm, width), nn.LeakyReLU(0.2)]
            )
            channels = width
        self.logits = SameConv2d(channels, 1, 4)

    def forward(self, x: Tensor) -> tuple[Tensor, Features]:
        """Returns logits (N, 1, h, w) and the features of the last layer: heads differ in how many they have."""
        x = self.layers(x)
        return self.logits(x), (x,)
