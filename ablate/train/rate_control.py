"""The weight of the rate: a number, or what keeps the bits of files at a target.

Training estimates the rate of crops with noise in place of rounding, by the raw weights. What is promised is the rate
of files: of whole images, rounded, by the averaged weights, header and all. `compare` therefore writes a real file of a
training image now and then, and remembers by what factor files differ from the estimate.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ablate.codecs.container import MODEL_BYTES, seal
from ablate.config import Cell
from ablate.config.loss import Loss
from ablate.data import Images
from ablate.losses import Memory
from ablate.networks.exact import exact
from ablate.pixels import to_float
from ablate.rng import stream, to_device
from ablate.train.state import TrainState

MEMORY = "rate"
"""Name of the controller's memory in the state of a training."""
BELOW = 1 / 16
"""The lower of two weights where it is not given, as a share of the higher one."""
PROPORTIONAL, INTEGRAL = 8.0, 0.1
"""By how much the logarithm of the weight moves for each part that the rate is off, at once, and further in every step.

A rate goes with about the fourth root of its weight and answers within some 50 steps (measured with the preset `tiny`);
with these two it is neither slower than that nor swings."""
LARGEST = 0.3
"""A rate that is further off counts as if it were so far; the integral then moves at a fifth of its pace."""
SMOOTHING = 0.9
"""Share of a batch's rate that a running mean keeps."""
COMPARED = 80
"""How often in a training files are compared with the estimate, at least `SOONEST` steps apart."""
SOONEST = 10
KEPT = 8
"""About so many comparisons are averaged: the factor falls while latents become sparse, and one image is off by 6 %."""
SIDE = 512
"""Pixels a side, at the most, of the part of an image that a file is written of."""


def rate_weight(kept: Memory, loss: Loss, rate: Tensor) -> float | Tensor:
    """Returns the weight of the estimated bits per pixel in this step.

    Without a target it is `lambda_r`. Else `rate_control` says how the target is kept: "integral" moves the weight by
    how far the rate is off and has been, beginning at `lambda_r`; "two_level" takes `lambda_r` above the target and
    `lambda_r_below` below it (Mentzer et al. 2020, section 3.3).

    Args:
        kept: what the controller remembers; changed in place, and saved with the training.
        loss: settings.
        rate: of this step, a scalar.
    """
    if loss.rate_target is None:
        return loss.lambda_r
    rate = rate.detach() * kept["factor"] if "factor" in kept else rate.detach()
    if loss.rate_control == "two_level":
        below = loss.lambda_r * BELOW if loss.lambda_r_below is None else loss.lambda_r_below
        return torch.where(rate > loss.rate_target, loss.lambda_r, below)
    if "log_weight" not in kept:
        kept["log_weight"], kept["mean"] = torch.full_like(rate, math.log(loss.lambda_r)), rate
    kept["mean"] = torch.lerp(rate, kept["mean"], SMOOTHING)
    off = (kept["mean"] / loss.rate_target).log()
    within = off.clamp(-LARGEST, LARGEST)
    kept["log_weight"] = kept["log_weight"] + INTEGRAL * torch.where(off == within, within, within / 5)
    return (kept["log_weight"] + PROPORTIONAL * within).exp()


def is_due(cell: Cell, step: int) -> bool:
    """Returns whether files are to be compared with the estimate before a step.

    Where label maps or masks go with images they are not: the target is then that of the estimate.
    """
    every = max(SOONEST, cell.train.steps // COMPARED)
    return cell.loss.rate_target is not None and not cell.guided and step > 0 and step % every == 0


@torch.no_grad()
def compare(state: TrainState, cell: Cell, images: Images) -> None:
    """Remembers how the bits of a file and their estimate differ, on a training image."""
    assert state.average is not None
    draws = stream(cell.seed, "rate.compared", state.step)
    image = images[int(torch.randint(len(images), (), generator=draws))]
    estimate = _estimate(state, cell, image, draws)

    # The file, as it is measured in the end.
    part = _part(image, draws)
    average = state.average.eval()
    with exact(estimate.device):
        file = seal(average.encode(part), bytes(MODEL_BYTES))
    average.train()
    bits = 8 * len(file) / part[0].numel()

    # Both sides are averaged by themselves: an image counts by its bits, as it does in a mean over images.
    kept = state.memory.setdefault(MEMORY, {})
    count = kept.get("compared", torch.zeros_like(estimate)) + 1
    for name, value in (("files", torch.full_like(estimate, bits)), ("estimates", estimate)):
        kept[name] = torch.lerp(kept.get(name, value), value, 1 / count.clamp(max=KEPT))
    kept["compared"], kept["factor"] = count, kept["files"] / kept["estimates"]


def _part(image: NDArray[np.uint8], draws: torch.Generator) -> Tensor:
    """Returns an image, uint8 (3, H, W), or one of the parts of at most `SIDE` pixels a side that it is made of."""
    spans = []
    for side in image.shape[1:]:
        start = SIDE * int(torch.randint(-(-side // SIDE), (), generator=draws))
        spans.append(slice(max(min(start, side - SIDE), 0), start + SIDE))
    return torch.from_numpy(image[:, spans[0], spans[1]].copy())


def _estimate(state: TrainState, cell: Cell, image: NDArray[np.uint8], draws: torch.Generator) -> Tensor:
    """Returns the bits per pixel that training estimates of an image: of crops placed as it places them.

    The middle of an image is in more crops than its borders are, and is often what takes most bits.
    """
    crop, batch, device = cell.data.crop, cell.data.batch_size, next(state.codec.parameters()).device
    buffers = [(buffer, buffer.clone()) for buffer in state.codec.buffers()]
    rates = []
    for _ in range(-(-min(image[0].size, SIDE**2) // (batch * crop**2))):
        corners = [torch.randint(side - crop + 1, (batch,), generator=draws).tolist() for side in image.shape[1:]]
        crops = [image[:, top : top + crop, left : left + crop] for top, left in zip(*corners, strict=True)]
        rate = state.codec(to_float(to_device(torch.from_numpy(np.stack(crops)), device)), draws).rate
        assert rate is not None, "a cell with a target has a codec with a rate"
        rates.append(rate.float())
    for buffer, before in buffers:  # running averages are of the training's batches alone
        buffer.copy_(before)
    return torch.stack(rates).mean()
