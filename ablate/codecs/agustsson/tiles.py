"""A large image in tiles, each with as much around it as its pixels depend on, so that memory stays within a bound.

A tile is computed from the window of the input that it depends on, and what padding spoils at the window's own edges
is cut off. The result is that of the whole image, up to the order in which a convolution sums: some 1e-6, which tips
a few pixels in a million to the next level. Whether an image is tiled, and where, depends on its size and the codec
alone, so that a file means one image on machines with little memory and with much.

Instance norm in encoder or generator is over the whole image: such a codec takes it whole, or refuses where memory
does not suffice. Over the latent alone it is no obstacle, since the latent is small.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn

from ablate.codecs.agustsson.memory import INSTANCE_NORM, require_memory
from ablate.codecs.agustsson.noise import NoiseBranch
from ablate.codecs.agustsson.settings import AgustssonSettings
from ablate.codecs.agustsson.window import Span, Tile, is_local, needed, tile, tiles
from ablate.layers.padding import ReflectConv2d, SameConv2d, pad_to_multiple
from ablate.pixels import to_float, to_uint8

MEMORY_BYTES = 1 << 30
"""Bytes that the activations of one tile may take; an image that takes less is done as a whole."""
WITH_SIDE_INFORMATION = "an image with a label map or a mask is done as a whole"
SMALLEST_SIDE = 8
"""Side of a tile, in latents, that is not gone below, however wide the network."""


class Networks(Protocol):
    """The parts of a codec that images are put through."""

    encoder: nn.Sequential
    generator: nn.Sequential
    noise: NoiseBranch | None
    settings: AgustssonSettings
    stride: int


@dataclass(frozen=True, eq=False)
class Tiles:
    """The networks of a codec, applied to a large image in tiles of at most `side` x `side` latents."""

    codec: Networks
    device: torch.device
    side: int

    @classmethod
    def of(cls, codec: Networks, size: tuple[int, int], device: torch.device) -> Tiles | None:
        """Returns the tiles for images of `size`, None for one that is done as a whole.

        Raises:
            ValueError: where it can be neither tiled nor, for its size, done as a whole.
        """
        each = bytes_per_pixel(codec.settings)
        if each * math.prod(size) <= MEMORY_BYTES:
            return None
        local = is_local(_convolutions(codec)) and is_local(codec.generator)
        if not local or codec.settings.map_classes or codec.settings.selective != "none":
            require_memory(each * math.prod(size), size, str(device), WITH_SIDE_INFORMATION if local else INSTANCE_NORM)
            return None
        side = math.isqrt(MEMORY_BYTES // each) // codec.stride - _reach(codec)
        return cls(codec, device, max(side, SMALLEST_SIDE))

    def latent(self, image: Tensor) -> Tensor:
        """Returns the latent (1, C, h, w) of an image, uint8 (3, H, W)."""
        padded = pad_to_multiple(image[None], self.codec.stride)
        layers = _convolutions(self.codec)
        size = [side // self.codec.stride for side in padded.shape[-2:]]
        latent = torch.empty(1, self.codec.settings.channels, *size, device=self.device)
        for each in tiles(layers, padded.shape[-2:], size, self.side):
            each.put(layers(to_float(each.of(padded).to(self.device))), latent)
        for layer in list(self.codec.encoder)[len(layers) :]:
            latent = layer(latent)
        return latent

    def image(
        self, sent: Tensor, size: tuple[int, int], noise: torch.Generator, meant: Callable[[Tensor], Tensor]
    ) -> Tensor:
        """Returns the image, uint8 (3, *size), of what was sent, (1, C, h, w); `meant` gives the values of it."""
        padded = [self.codec.stride * side for side in sent.shape[-2:]]
        image = torch.empty(1, 3, *padded, dtype=torch.uint8)
        beside = self._noise(sent.shape[-2:], noise)
        for each in tiles(self.codec.generator, sent.shape[-2:], padded, self.codec.stride * self.side):
            values = meant(each.of(sent).to(self.device))
            each.put(to_uint8(self.codec.generator(torch.cat([values, *beside(each)], 1))).cpu(), image)
        return image[0, :, : size[0], : size[1]].contiguous()

    def _noise(self, size: Sequence[int], generator: torch.Generator) -> Callable[[Tile], list[Tensor]]:
        """Returns what gives the noise channels of a tile's window: those that the whole image has there."""
        branch = self.codec.noise
        if branch is None:
            return lambda _: []
        drawn = branch.sample((1, size[0], size[1]), generator, self.device)
        layers = nn.Sequential(branch.seed, branch.grow)
        grown = [branch.BLOCK * side for side in drawn.shape[-2:]]

        def beside(each: Tile) -> list[Tensor]:
            part = tile(layers, each.window, drawn.shape[-2:], grown)
            return [part.keep(layers(part.of(drawn)))]

        return beside


def bytes_per_pixel(settings: AgustssonSettings) -> int:
    """Returns about what encoder or generator takes at its peak, as measured: four float maps at full resolution.

    With few downsamplings the quantizer, which weighs every level, comes near.
    """
    latents = settings.channels / 4**settings.downsamplings
    return round(4 * 4 * settings.width + 24 + 4 * settings.map_classes + 6 * latents * settings.quantizer.levels)


def _convolutions(codec: Networks) -> nn.Sequential:
    """Returns the encoder without what stands behind its last convolution: the norm of the latent."""
    layers = list(codec.encoder)
    last = max(i for i, layer in enumerate(layers) if isinstance(layer, ReflectConv2d | SameConv2d))
    return nn.Sequential(*layers[: last + 1])


def _reach(codec: Networks) -> int:
    """Returns how many latents around a tile the codec looks at, both sides together, rounded up."""
    far = codec.stride << 10
    seen = needed(_convolutions(codec), Span(far, far + 1)), needed(codec.generator, Span(far, far + codec.stride))
    return max((seen[0].stop - seen[0].start) // codec.stride, seen[1].stop - seen[1].start)
