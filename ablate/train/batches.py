"""The images that each step of a training sees."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ablate.codecs.codec import Side
from ablate.codecs.side import blocks_of
from ablate.config import Cell, Data, Warmup
from ablate.data import Images
from ablate.data.crops import crops
from ablate.data.regions import Regions, draw
from ablate.pixels import to_float
from ablate.rng import stream, to_device


@dataclass(frozen=True)
class Batches:
    """The crops of a training by step, on its device."""

    images: Images
    data: Data
    seed: int
    device: str
    selective: Regions | None = None
    """Which random regions of the crops are kept; None where the codec sends everything."""
    stride: int = 1
    """Of the codec."""

    @classmethod
    def of(cls, training: Cell | Warmup, images: Images, device: str) -> Batches:
        """Returns the crops of a training."""
        model = training.model
        selective = None if model.selective == "none" else model.selective
        return cls(images, training.data, training.seed, device, selective, model.stride)

    def __call__(self, step: int, purpose: str = "data.crops") -> Tensor:
        """Returns the crops of a step, float (N, 3, crop, crop) in [-1, 1]: a function of its arguments alone.

        Steps count through warm-up and training, so that crops do not begin again.
        """
        return to_float(to_device(self._crops(self.images, step, purpose), self.device))

    def side(self, step: int, purpose: str = "data.crops") -> Side:
        """Returns the label maps of the crops of a step where there are some, and the blocks of them that are kept."""
        planes = None if self.images.maps is None else self._crops(self.images.maps, step, purpose)
        labels = None if planes is None else to_device(planes[:, 0].contiguous(), self.device)
        if self.selective is None:
            return Side(labels)
        random = stream(self.seed, f"regions.{purpose}", step)
        given = [None] * self.data.batch_size if planes is None else planes
        size = (self.data.crop, self.data.crop)
        regions = torch.stack([draw(self.selective, size, each, random) for each in given])
        return Side(labels, to_device(blocks_of(regions, self.stride), self.device))

    def _crops(self, images: Images, step: int, purpose: str) -> Tensor:
        return crops(
            images,
            crop=self.data.crop,
            batch_size=self.data.batch_size,
            flip=self.data.flip,
            seed=self.seed,
            step=step,
            purpose=purpose,
        )
