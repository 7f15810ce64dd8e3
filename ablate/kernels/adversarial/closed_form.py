"""The derivatives written out, in PyTorch."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import softplus

from ablate.kernels.adversarial.spec import HINGE, NOTHING, SOFTPLUS, SQUARE, Player, Term
from ablate.kernels.backend import Function, Gradients


def build(**options: Any) -> Function:
    """Returns one player's loss with its gradients; options are those of `spec.Player`."""
    player = Player(**options)

    def function(images: Sequence[Tensor], reconstructions: Sequence[Tensor]) -> Gradients:
        first, second = ([_differentiated(term) for term in side] for side in player.terms(images, reconstructions))
        value = functools.reduce(torch.add, (value for value, _ in (*first, *second)))
        return Gradients(value, tuple(g for _, g in first), tuple(g for _, g in second))

    return function


def _differentiated(term: Term) -> tuple[Tensor, Tensor]:
    """Returns the weighted mean of factor f(x) + linear x, and its gradient."""
    form = term.form
    x, scale = term.logits.detach().float(), term.weight / term.logits.numel()
    factor = form.factor * scale
    if form.kind == SQUARE:
        excess = x - form.a
        value, gradient = excess.square().sum() * factor, excess.mul_(2 * factor)
    elif form.kind == HINGE:
        margin = (x * form.a).add_(1).relu_()
        # Not margin > 0: a margin of NaN has the slope that relu gives it.
        value, gradient = margin.sum() * factor, (margin <= 0).logical_not_().to(x.dtype).mul_(form.a * factor)
    elif form.kind == SOFTPLUS:
        z = x * form.a
        value, gradient = softplus(z).sum() * factor, z.sigmoid_().mul_(form.a * factor)
    else:
        value, gradient = x.sum() * (form.linear * scale), torch.full_like(x, form.linear * scale)
    if form.linear and form.kind != NOTHING:
        value, gradient = value + x.sum() * (form.linear * scale), gradient.add_(form.linear * scale)
    return value, gradient.to(term.logits.dtype)
