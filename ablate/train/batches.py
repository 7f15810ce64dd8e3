"""The images that each step of a training sees."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

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
        drawn = crops(
            self.images,
            crop=self.data.crop,
            batch_size=self.data.batch_size,
            flip=self.data.flip,
            seed=self.seed,
            step=step,
            purpose=purpose,
        )
        return to_float(to_device(drawn, self.device))
