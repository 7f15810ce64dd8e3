"""The weight of the rate: a number, or what keeps the bits of files at a target.

Training estimates the rate of crops with noise in place of rounding, by the raw weights. What is promised is the rate
of files: of whole images, rounded, by the averaged weights, header and all. `compare` therefore writes a real file of a
part of a training image now and then, and remembers by what factor files differ from the estimate on the same pixels.
"""

from __future__ import annotations

import math

import torch
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
"""The lower of HiFiC's two weights, as a share of the higher one (Mentzer et al. 2020, appendix A.2, at low rates)."""
PROPORTIONAL, INTEGRAL = 5.0, 0.1
"""By how much the logarithm of the weight moves for each part that the rate is off, at once, and further in every step.

A rate goes with about the fourth root of its weight and answers within some 50 steps (measured with the preset `tiny`);
with these two it is neither slower than that nor swings."""
LARGEST = 0.3
"""A rate that is further off counts as if it were so far; the integral then moves at a fifth of its pace."""
SMOOTHING = 0.9
"""Share of a batch's rate that a running mean keeps."""
COMPARED = 40
"""How often in a training files are compared with the estimate, at least `SOONEST` steps apart."""
SOONEST = 10
KEPT = 8
"""So many comparisons are averaged."""
SIDE = 512
"""Pixels a side, at the most, of the part of an image that is compared."""


def rate_weight(kept: Memory, loss: Loss, rate: Tensor) -> float | Tensor:
    """Returns the weight of the estimated bits per pixel in this step.

    Without a target it is `lambda_r`. Else `rate_control` says how the target is kept: "integral" moves the weight by
    how far the rate is off and has been, beginning at `lambda_r`; "two_level" takes `lambda_r` above the target and a
    sixteenth of it below (Mentzer et al. 2020, section 3.3).

    Args:
        kept: what the controller remembers; changed in place, and saved with the training.
        loss: settings.
        rate: of this step, a scalar.
    """
    if loss.rate_target is None:
        return loss.lambda_r
    rate = rate.detach() * kept["factor"] if "factor" in kept else rate.detach()
    if loss.rate_control == "two_level":
        return torch.where(rate > loss.rate_target, loss.lambda_r, loss.lambda_r * BELOW)
    if "log_weight" not in kept:
        kept["log_weight"], kept["mean"] = torch.full_like(rate, math.log(loss.lambda_r)), rate
    kept["mean"] = torch.lerp(rate, kept["mean"], SMOOTHING)
    off = (kept["mean"] / loss.rate_target).log()
    within = off.clamp(-LARGEST, LARGEST)
    kept["log_weight"] = kept["log_weight"] + INTEGRAL * torch.where(off == within, within, within / 5)
    return (kept["log_weight"] + PROPORTIONAL * within).exp()


def is_due(cell: Cell, step: int) -> bool:
    """Returns whether files are to be compared with the estimate before a step."""
    every = max(SOONEST, cell.train.steps // COMPARED)
    return cell.loss.rate_target is not None and step > 0 and step % every == 0


@torch.no_grad()
def compare(state: TrainState, cell: Cell, images: Images) -> None:
    """Remembers how the bits of a file and their estimate differ, on a part of a training image."""
    assert state.average is not None
    part = _part(images, cell, state.step)
    estimate = _estimate(state, cell, part)

    # The file, as it is measured in the end.
    average = state.average.eval()
    with exact(part.device):
        content = average.encode(part.cpu())
    average.train()
    bits = 8 * len(seal(content, bytes(MODEL_BYTES))) / (part.shape[1] * part.shape[2])

    # The geometric mean of those so far, or of the last ones about.
    kept = state.memory.setdefault(MEMORY, {})
    found = (bits / estimate).log()
    count = kept.get("compared", torch.zeros_like(found))
    before = kept["factor"].log() if "factor" in kept else found
    kept["factor"] = torch.lerp(before, found, 1 / (count + 1).clamp(max=KEPT)).exp()
    kept["compared"] = count + 1


def _part(images: Images, cell: Cell, step: int) -> Tensor:
    """Returns a part of an image, uint8 (3, H, W), whose sides are multiples of the crop."""
    which, down, right = torch.rand(3, generator=stream(cell.seed, "rate.part", step), dtype=torch.float64).tolist()
    image, crop = images[int(which * len(images))], cell.data.crop
    height, width = (max(min(side, SIDE) // crop, 1) * crop for side in image.shape[1:])
    top, left = int(down * (image.shape[1] - height + 1)), int(right * (image.shape[2] - width + 1))
    return torch.from_numpy(image[:, top : top + height, left : left + width].copy())


def _estimate(state: TrainState, cell: Cell, part: Tensor) -> Tensor:
    """Returns the bits per pixel that training estimates of the crops that a part of an image is made of."""
    crop, batch = cell.data.crop, cell.data.batch_size
    crops = part.unfold(1, crop, crop).unfold(2, crop, crop).permute(1, 2, 0, 3, 4).reshape(-1, 3, crop, crop)
    device = next(state.codec.parameters()).device
    random = stream(cell.seed, "rate.noise", state.step)
    buffers = [(buffer, buffer.clone()) for buffer in state.codec.buffers()]
    total = torch.zeros((), device=device)
    for each in crops.split(batch):
        rate = state.codec(to_float(to_device(each, device)), random).rate
        assert rate is not None, "a cell with a target has a codec with a rate"
        total = total + rate.float() * len(each)
    for buffer, before in buffers:  # running averages are of the training's batches alone
        buffer.copy_(before)
    return total / len(crops)
