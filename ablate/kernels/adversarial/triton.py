"""One launch for all scales; the equations are those of adversarial.c."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor

from ablate.kernels.adversarial import spec
from ablate.kernels.adversarial.spec import Player
from ablate.kernels.backend import Function, Gradients
from ablate.kernels.gpu import where_tensors_lie
from ablate.kernels.triton_sum import Tickets, sum_of_all

BLOCK = 2048
WARPS = 8
SQUARE, HINGE, SOFTPLUS = (tl.constexpr(kind) for kind in (spec.SQUARE, spec.HINGE, spec.SOFTPLUS))


@triton.jit
def _block(logits, gradients, start, size, scale, a, factor, linear, KIND: tl.constexpr, BLOCK: tl.constexpr):
    """Writes the gradients of this program's block of a term, and returns the block's part of the loss."""
    at = (tl.program_id(0) - start).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    inside = at < size
    x = tl.load(logits + at, mask=inside, other=0.0).to(tl.float32)
    loss = linear * x
    slope = tl.zeros((BLOCK,), tl.float32) + linear
    if KIND == SQUARE:
        loss += factor * (x - a) * (x - a)
        slope += 2 * factor * (x - a)
    if KIND == HINGE:
        margin = 1 + a * x
        # Not margin > 0, of which NaN is not true: torch keeps its slope.
        loss += factor * tl.where(margin <= 0, 0.0, margin)
        slope += tl.where(margin <= 0, 0.0, factor * a)
    if KIND == SOFTPLUS:
        z = a * x
        t = tl.exp(-tl.abs(z))
        # log(1 + t) = 2 artanh(t / (2 + t)), which keeps the digits of a small t; its series to u^13 is good to 1e-7.
        u = t / (2 + t)
        q = u * u
        series = 1 + q * (1 / 3 + q * (1 / 5 + q * (1 / 7 + q * (1 / 9 + q * (1 / 11 + q * (1 / 13))))))
        loss += factor * (tl.where(z < 0, 0.0, z) + 2 * u * series)
        slope += factor * a * tl.where(z < 0, t, 1.0) / (1 + t)
    tl.store(gradients + at, (scale * slope).to(gradients.dtype.element_ty), mask=inside)
    return scale * tl.sum(tl.where(inside, loss, 0.0), axis=0)


@triton.jit
def adversarial_kernel(
    logits,
    gradients,
    starts,
    sizes,
    scales,
    a,
    factors,
    linears,
    partial,
    ticket,
    value,
    KINDS: tl.constexpr,
    BLOCK: tl.constexpr,
):
    """All but the last arguments have one entry a term; starts has the first program of each, and all's number."""
    program = tl.program_id(0)
    mine = 0.0
    for k in tl.static_range(len(logits)):
        if (program >= starts[k]) & (program < starts[k + 1]):
            mine = _block(
                logits[k],
                gradients[k],
                starts[k],
                sizes[k],
                scales[k],
                a[k],
                factors[k],
                linears[k],
                KINDS[k],
                BLOCK,
            )
    sum_of_all(mine, partial, ticket, value)


def build(**options: Any) -> Function:
    """Returns one player's loss with its gradients; options are those of `spec.Player`."""
    player, tickets = Player(**options), Tickets()

    def function(images: Sequence[Tensor], reconstructions: Sequence[Tensor]) -> Gradients:
        first, second = player.terms(images, reconstructions)
        terms = [*first, *second]
        logits = tuple(term.logits.detach().contiguous() for term in terms)
        gradients = tuple(torch.empty_like(each) for each in logits)
        sizes = tuple(each.numel() for each in logits)
        starts = tuple(itertools.accumulate((triton.cdiv(size, BLOCK) for size in sizes), initial=0))
        device = logits[0].device
        partial, value = torch.empty(starts[-1], device=device), torch.empty((), device=device)
        adversarial_kernel[(starts[-1],)](
            logits,
            gradients,
            starts,
            sizes,
            tuple(term.weight / size for term, size in zip(terms, sizes, strict=True)),
            tuple(term.form.a for term in terms),
            tuple(term.form.factor for term in terms),
            tuple(term.form.linear for term in terms),
            partial,
            tickets.on(device),
            value,
            KINDS=tuple(term.form.kind for term in terms),
            BLOCK=BLOCK,
            num_warps=WARPS,
        )
        return Gradients(value, gradients[: len(first)], gradients[len(first) :])

    return where_tensors_lie(function)
