"""The batch of a training step: crops and flips that depend on nothing but the seed and the step."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ablate.data.images import Images
from ablate.rng import stream


def crops(
    images: Images, *, crop: int, batch_size: int, flip: bool, seed: int, step: int, purpose: str = "data.crops"
) -> Tensor:
    """Returns the crops of `step`: uint8 (batch_size, 3, crop, crop); another `purpose` draws others.

    Images are drawn uniformly, whatever their size; positions uniformly in the image; `flip` mirrors half of them
    left to right. Without it the same crops are drawn.
    """
    draws = torch.rand(batch_size, 4, generator=stream(seed, purpose, step), dtype=torch.float64).tolist()
    batch = np.empty((batch_size, 3, crop, crop), np.uint8)
    for target, (which, down, right, mirrored) in zip(batch, draws, strict=True):
        image = images[int(which * len(images))]
        top = int(down * (image.shape[1] - crop + 1))
        left = int(right * (image.shape[2] - crop + 1))
        cut = image[:, top : top + crop, left : left + crop]
        target[:] = cut[:, :, ::-1] if flip and mirrored < 0.5 else cut
    return torch.from_numpy(batch)
