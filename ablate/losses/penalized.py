"""What a penalty on the discriminators is, and what it looks at."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor, nn

Memory = dict[str, Tensor]
"""What a penalty keeps from step to step, by name; saved with the training, on the training's device."""

Reduction = Literal["mean", "sum", "sqrt"]


@dataclass(frozen=True)
class Scene:
    """The discriminator step that a penalty is added to; everything is float32, outside autocast.

    Attributes:
        image: (N, 3, H, W) in [-1, 1], without gradient.
        reconstruction: the same shape, detached from the codec.
        real: each scale's logits (N, 1, h, w) of the image, differentiable in the discriminators' weights.
        fake: the same of the reconstruction.
        logits: any images to each scale's logits, differentiable in images and weights, also twice.
        stream: where a penalty draws from, on the CPU; its own, so that drawing shifts nothing else.
        memory: what the penalty kept; it may be replaced entry by entry.
    """

    image: Tensor
    reconstruction: Tensor
    real: Sequence[Tensor]
    fake: Sequence[Tensor]
    logits: Callable[[Tensor], Sequence[Tensor]]
    stream: torch.Generator
    memory: Memory = field(default_factory=dict)


@dataclass(frozen=True)
class Penalty:
    """A term of the discriminators' loss, a constraint on their weights, or both.

    Attributes:
        term: one weighted scalar for each scale, to be reduced over scales as the loss itself is; None for no term.
        every: the term is added every so many steps, multiplied by as many (lazy regularisation).
        constrain: changes the discriminators' weights in place after each of their steps.
    """

    term: Callable[[Scene], Sequence[Tensor]] | None = None
    every: int = 1
    constrain: Callable[[nn.Module], None] | None = None
