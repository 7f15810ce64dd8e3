"""The optimizers by their settings: which one, at what rate in each step, and how far gradients are clipped."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from ablate.config import Adam, ScheduledAdam
from ablate.losses import Memory

KINDS: dict[str, type[torch.optim.Adam] | type[torch.optim.AdamW]] = {
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
}


def optimizer_of(module: nn.Module, settings: Adam) -> torch.optim.Optimizer:
    """Returns the optimizer of a module's weights."""
    parameters: list[Tensor] = list(module.parameters())
    return KINDS[settings.name](
        parameters,
        lr=settings.learning_rate,
        betas=(settings.beta1, settings.beta2),
        eps=settings.epsilon,
        weight_decay=settings.weight_decay,
        fused=True,
    )


def weights_of(optimizer: torch.optim.Optimizer) -> list[Tensor]:
    """Returns the weights that an optimizer steps, without a walk through the modules that hold them."""
    return [weight for group in optimizer.param_groups for weight in group["params"]]


def clip(optimizer: torch.optim.Optimizer, settings: Adam, kept: Callable[[], Memory]) -> None:
    """Clips all gradients of an optimizer together before each of its steps, where the settings ask for it.

    Args:
        optimizer: whose weights they are.
        settings: its own; a norm of 0 clips nothing.
        kept: returns where is counted, on the device, how many steps there were and in how many it was clipped.
    """
    if not settings.clip_norm:
        return

    def before(optimizer: torch.optim.Optimizer, *_: Any) -> None:
        norm, memory = nn.utils.clip_grad_norm_(weights_of(optimizer), settings.clip_norm), kept()
        for name, happened in (("steps", torch.ones_like(norm)), ("clipped", (norm > settings.clip_norm).to(norm))):
            memory[name] = memory[name] + happened if name in memory else happened

    optimizer.register_step_pre_hook(before)


def share_clipped(memory: Memory) -> float:
    """Returns in which share of the steps so far gradients were clipped; waits for the device."""
    return float(memory["clipped"] / memory["steps"])


def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Sets the learning rate of the next step, in its tensor where it is one, as in steps that are replayed."""
    for group in optimizer.param_groups:
        if isinstance(group["lr"], Tensor):
            group["lr"].fill_(rate)
        else:
            group["lr"] = rate


def rate_at(settings: ScheduledAdam, step: int, steps: int) -> float:
    """Returns the learning rate of a step, counted from 0, of so many: a linear warm-up, then the schedule to 0."""
    if step < settings.warmup_steps:
        return settings.learning_rate * (step + 1) / settings.warmup_steps
    done = (step - settings.warmup_steps) / (steps - settings.warmup_steps)
    part = {"constant": 1.0, "linear": 1.0 - done, "cosine": half_cosine(done)}[settings.schedule]
    return settings.learning_rate * part


def half_cosine(done: float) -> float:
    """Returns half a cosine, from 1 at the beginning towards 0 at the end."""
    return (1 + math.cos(math.pi * done)) / 2
