"""A batch and what the codec makes of it: what both players are shown."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from ablate.codecs.codec import NOTHING, Reconstruction, Side, TrainableCodec
from ablate.layers.labels import one_hot


class Shown(NamedTuple):
    """A batch: images, what the codec makes of them, and what is known beside them."""

    image: Tensor
    reconstruction: Reconstruction
    side: Side = NOTHING

    def detached(self) -> Shown:
        """Returns the batch without what its gradients hang on."""
        image, symbols, values = (
            self.reconstruction.image.detach(),
            self.reconstruction.symbols,
            self.reconstruction.values,
        )
        return Shown(self.image, Reconstruction(image, symbols, values=values), self.side)


def through(codec: TrainableCodec, image: Tensor, random: torch.Generator, side: Side) -> Shown:
    """Sends a batch through a codec, with its side information where the codec takes that."""
    return Shown(image, codec(image, random, side) if codec.takes_side else codec(image, random), side)


def in_kept(image: Tensor, reconstruction: Tensor, side: Side) -> Tensor:
    """Returns what the distortion compares with images: the reconstruction, and outside of the kept blocks the image.

    So it is the mean over all pixels of what is off in those that are kept.
    """
    if side.kept is None:
        return reconstruction
    factor = image.shape[-1] // side.kept.shape[-1]
    region = side.kept.repeat_interleave(factor, 1).repeat_interleave(factor, 2)
    return torch.where(region[:, None], reconstruction, image.to(reconstruction.dtype))


def with_maps(images: Tensor, side: Side, classes: int) -> Tensor:
    """Returns images as discriminators see them that are given label maps: a channel more for each class.

    Args:
        images: (N, 3, H, W), or several of the batch in a row, (kN, 3, H, W).
        side: of the batch.
        classes: how many there are; with 0 images are as they are.
    """
    if not classes:
        return images
    assert side.labels is not None, "a cell whose discriminators look at maps has some"
    channels = one_hot(side.labels, classes).to(images.dtype)
    return torch.cat([images, channels.repeat(len(images) // len(channels), 1, 1, 1)], 1)


def autocast(image: Tensor, precision: str) -> torch.autocast:
    """Returns the numeric context of the networks; losses are computed outside it, in float32."""
    return torch.autocast(image.device.type, torch.bfloat16, enabled=precision == "bfloat16")
