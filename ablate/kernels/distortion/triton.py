"""One launch over any number of pairs of tensors; the equations are those of distortion.c.

A program takes BLOCK values of one pair; which pair follows from its number, and the pairs' addresses are arguments of
the launch, so that nothing is copied to the device for it.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import torch
import triton
import triton.language as tl
from torch import Tensor

from ablate.kernels.backend import Function, Gradients
from ablate.kernels.distortion.spec import Weights, weights_of
from ablate.kernels.gpu import where_tensors_lie
from ablate.kernels.layout import alike, supported
from ablate.kernels.triton_sum import Tickets, sum_of_all

BLOCK = 4096
WARPS = 8


@triton.jit
def _block(
    x_of,
    y_of,
    gradient_of,
    start,
    size,
    scale,
    a,
    b,
    c,
    epsilon_squared,
    SQUARES: tl.constexpr,
    ABSOLUTES: tl.constexpr,
    ROOTS: tl.constexpr,
    BLOCK: tl.constexpr,
):
    """Writes the gradients of this program's block of a pair, and returns the block's part of the loss."""
    at = (tl.program_id(0) - start).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    inside = at < size
    x = tl.load(x_of + at, mask=inside, other=0.0).to(tl.float32)
    e = tl.load(y_of + at, mask=inside, other=0.0).to(tl.float32) - x
    loss = tl.zeros((BLOCK,), tl.float32)
    slope = tl.zeros((BLOCK,), tl.float32)
    if SQUARES:
        loss += a * e * e
        slope += 2 * a * e
    if ABSOLUTES:
        loss += b * tl.abs(e)
        slope += tl.where(e > 0, b, 0.0) - tl.where(e < 0, b, 0.0)
    if ROOTS:
        root = tl.sqrt(e * e + epsilon_squared)
        loss += c * root
        slope += c * e / root
    tl.store(gradient_of + at, (scale * slope).to(gradient_of.dtype.element_ty), mask=inside)
    return scale * tl.sum(tl.where(inside, loss, 0.0), axis=0)


@triton.jit
def pairs_kernel(
    xs,
    ys,
    gradients,
    starts,
    sizes,
    scales,
    a,
    b,
    c,
    epsilon_squared,
    partial,
    ticket,
    value,
    SQUARES: tl.constexpr,
    ABSOLUTES: tl.constexpr,
    ROOTS: tl.constexpr,
    BLOCK: tl.constexpr,
):
    """All from xs to scales have one entry a pair; starts has the first program of each, and all's number.

    Each pair has code of its own, in which the compiler knows how its address and its size can be divided: what is
    chosen from several loses that, and is read four bytes at a time.
    """
    program = tl.program_id(0)
    mine = 0.0
    for k in tl.static_range(len(xs)):
        if (program >= starts[k]) & (program < starts[k + 1]):
            mine = _block(
                xs[k],
                ys[k],
                gradients[k],
                starts[k],
                sizes[k],
                scales[k],
                a,
                b,
                c,
                epsilon_squared,
                SQUARES,
                ABSOLUTES,
                ROOTS,
                BLOCK,
            )
    sum_of_all(mine, partial, ticket, value)


def build(**options: float) -> Function:
    """Returns the sum with the reconstruction's gradient; options are those of `spec.Weights`."""
    return over_pairs(weights_of(**options))


def over_pairs(weights: Weights) -> Function:
    """Returns the sum over any number of pairs of tensors, each pair's mean by itself."""
    tickets = Tickets()

    def function(images: Sequence[Tensor], reconstructions: Sequence[Tensor]) -> Gradients:
        supported(*images, *reconstructions)
        laid_out = [alike(x, y, exact=False) for x, y in zip(images, reconstructions, strict=True)]
        xs, ys = tuple(x for x, _ in laid_out), tuple(y for _, y in laid_out)
        gradients = tuple(torch.empty_like(y) for y in ys)
        sizes = tuple(y.numel() for y in ys)
        starts = tuple(itertools.accumulate((triton.cdiv(size, BLOCK) for size in sizes), initial=0))
        device = ys[0].device
        partial, value = torch.empty(starts[-1], device=device), torch.empty((), device=device)
        pairs_kernel[(starts[-1],)](
            xs,
            ys,
            gradients,
            starts,
            sizes,
            tuple(1.0 / size for size in sizes),
            weights.mse,
            weights.l1,
            weights.charbonnier,
            weights.epsilon**2,
            partial,
            tickets.on(device),
            value,
            SQUARES=weights.mse != 0,
            ABSOLUTES=weights.l1 != 0,
            ROOTS=weights.charbonnier != 0,
            BLOCK=BLOCK,
            num_warps=WARPS,
        )
        return Gradients(value, (), gradients)

    return where_tensors_lie(function)
