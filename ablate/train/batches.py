"""The images that each step of a training sees."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from ablate.codecs.codec import NOTHING, Side
from ablate.config import Data
from ablate.data import Images
from ablate.data.crops import crops
from ablate.pixels import to_float
from ablate.rng import to_device


@dataclass(frozen=True)
class Batches:
    """The crops of a training by step, on its device."""

    images: Images
    data: Data
    seed: int
    device: str

    def __call__(self, step: int, purpose: str = "data.crops") -> Tensor:
        """Returns the crops of a step, float (N, 3, crop, crop) in [-1, 1]: a function of its arguments alone.

        Steps count through warm-up and training, so that no crop comes twice.
        """
        return to_float(to_device(self._crops(self.images, step, purpose), self.device))

    def side(self, step: int, purpose: str = "data.crops") -> Side:
        """Returns the label maps of the crops of a step; nothing where the images have none."""
        if self.images.maps is None:
            return NOTHING
        return Side(to_device(self._crops(self.images.maps, step, purpose)[:, 0].contiguous(), self.device))

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
