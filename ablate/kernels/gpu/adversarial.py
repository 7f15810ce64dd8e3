"""One player's adversarial loss over all scales with its gradient by every logit, in one launch.

The equations are those of native/adversarial.c: a term is one scale's logits of one image.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import torch
import triton
import triton.language as tl
from torch import Tensor

from ablate.kernels import adversarial as host
from ablate.kernels.backend import Function, Gradients
from ablate.kernels.gpu import where_tensors_lie
from ablate.kernels.gpu.last import Tickets, sum_of_all

BLOCK = 2048
WARPS = 8
SQUARE, HINGE, SOFTPLUS = (tl.constexpr(kind) for kind in (host.SQUARE, host.HINGE, host.SOFTPLUS))


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


def on_gpu(
    *, loss: str = "lsgan", player: str = "discriminator", reduction: str = "mean", **options: float
) -> Function:
    """One launch for all scales."""
    of_image, of_reconstruction = host.forms(loss, player, options)
    tickets = Tickets()

    def function(images: Sequence[Tensor], reconstructions: Sequence[Tensor]) -> Gradients:
        host.check(images, reconstructions, of_image is not None)
        weights = host.scale_weights(reconstructions, reduction)
        first = images if of_image is not None else ()
        logits = tuple(each.detach().contiguous() for each in (*first, *reconstructions))
        forms = [of_image or of_reconstruction] * len(first) + [of_reconstruction] * len(weights)
        gradients = tuple(torch.empty_like(each) for each in logits)
        sizes = tuple(each.numel() for each in logits)
        starts = tuple(itertools.accumulate((triton.cdiv(size, BLOCK) for size in sizes), initial=0))
        counted = [*weights[: len(first)], *weights]
        device = logits[0].device
        partial, value = torch.empty(starts[-1], device=device), torch.empty((), device=device)
        adversarial_kernel[(starts[-1],)](
            logits,
            gradients,
            starts,
            sizes,
            tuple(weight / size for weight, size in zip(counted, sizes, strict=True)),
            tuple(form.a for form in forms),
            tuple(form.factor for form in forms),
            tuple(form.linear for form in forms),
            partial,
            tickets.on(device),
            value,
            KINDS=tuple(form.kind for form in forms),
            BLOCK=BLOCK,
            num_warps=WARPS,
        )
        return Gradients(value, gradients[: len(first)], gradients[len(first) :])

    return where_tensors_lie(function)
