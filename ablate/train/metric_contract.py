"""Findings about a metric of one's own: whether it keeps to the contract of metrics."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

from ablate.metrics.metric import Scope
from ablate.rng import stream
from ablate.train.finding import Finding

SIDE = 8
"""Of the images that a metric is tried on, unless it asks for larger ones."""


def inspect_metric(metric: Any) -> Iterator[Finding]:
    """Tries a metric of images on equal and on noisy ones, and on a region of them where it takes one."""
    if metric.scope is not Scope.image:
        yield Finding("scope", "ok", f"a metric of a {metric.scope} is tried where it is measured first")
        return
    side = max(SIDE, metric.needs.smallest_side)
    image, noisy = _pair(side, side + 2)
    equal, far = metric.function(image, image), metric.function(image, noisy)
    yield Finding("shapes", "ok", "it is a number for each image")
    if not torch.isfinite(far).all():
        yield Finding("finite", "problem", f"it is {far.tolist()} for noisy images", "figures are means over images")
    if not torch.equal(metric.function(image, noisy), far):
        yield Finding("repeated", "problem", "it is another number when it is asked again", "draw nothing in a metric")
    if metric.regional:
        yield _of_a_region(metric.function, *_pair(2 * side, 2 * side))
    if metric.direction is None:
        return
    better = (metric.sign * (equal.double() - far.double())).min()
    if better > 0 or not torch.isfinite(equal).all():
        yield Finding("order", "ok", f"equal images are better than noisy ones, {metric.direction} is better")
    else:
        found = f"equal images have {equal.tolist()}, noisy ones {far.tolist()}, and {metric.direction} is better"
        yield Finding("order", "problem", found, "the direction says which arm wins")


def _of_a_region(function: Callable[..., Tensor], image: Tensor, noisy: Tensor) -> Finding:
    """Says whether a metric that takes a region is of all of it, and of nothing else."""
    everything = torch.ones(image.shape[2:], dtype=torch.bool)
    within = everything.clone()
    within[:, -1] = False
    if not torch.allclose(function(image, noisy, region=everything), function(image, noisy)):
        return Finding("region", "problem", "of a region of everything it is another number", "figures are told apart")
    if not torch.equal(function(image, noisy, region=within), function(image, noisy.where(within, 0), region=within)):
        return Finding("region", "problem", "pixels outside of a region move it", "count windows that lie in it whole")
    return Finding("region", "ok", "it hangs on the pixels of a region alone")


def _pair(height: int, width: int) -> tuple[Tensor, Tensor]:
    """Returns two images of noise, and the same with more of it."""
    image, noise = (
        torch.randn(2, 3, height, width, generator=stream(0, f"doctor.{each}"), dtype=torch.float64)
        for each in ("image", "noise")
    )
    image = (127.5 * (1 + image).clamp(0, 2)).to(torch.uint8)
    return image, (image + (20 * noise).round()).clamp(0, 255).to(torch.uint8)
