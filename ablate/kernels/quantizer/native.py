"""The quantizer in C: nearest centers forward and, backward, the slope of the soft assignment in closed form.

Within the outermost centers the derivative of the softmax' mean is twice its variance over the temperature, which is
also the slope of the tangent that it goes on along beyond them.
"""

from __future__ import annotations

import copy
import ctypes
from typing import Any

import torch
from torch import Tensor

from ablate.codecs.agustsson.quantizer import REACH, Quantized, Quantizer
from ablate.codecs.agustsson.settings import ModelQuirks
from ablate.kernels.library import library, missing
from ablate.rng import stream

GRADIENT = 1e-5
"""How far a gradient may lie from float64, by its norm; values and symbols are those of the definition."""
SPREAD = 1.5
"""Latents of a proof, in units of the outermost center and the temperature: between centers and far beyond them."""


def lacking(module: Quantizer) -> str | None:
    """Returns why C does not compute a quantizer here, in a sentence, or None where it does."""
    if module.quirks != ModelQuirks():
        return "C has no form for the quirks of a quantizer"
    if module.centers.requires_grad:
        return "C has no gradient for centers that are learned"
    return missing("quantizer")


class FastQuantizer:
    """What a quantizer's `forward` returns; it can be differentiated once."""

    def __init__(self, module: Quantizer) -> None:
        self._module = module
        self._call = library("quantizer").quantizer
        pointer, size, number = ctypes.c_void_p, ctypes.c_int64, ctypes.c_double
        self._call.argtypes = (pointer, size, pointer, size, number, number, pointer, pointer, pointer)
        self._call.restype = None

    def __call__(self, latent: Tensor) -> Quantized:
        """Quantizes a latent, float32."""
        return Quantized(*_Quantization.apply(self, latent))

    def run(self, latent: Tensor, slopes: bool) -> tuple[Tensor, Tensor, Tensor | None]:
        """Returns values, symbols and, where asked for, slopes of a latent without gaps in memory."""
        values, symbols = torch.empty_like(latent), torch.empty_like(latent, dtype=torch.uint8)
        slope = torch.empty_like(latent) if slopes else None
        centers = self._module.centers
        self._call(
            latent.data_ptr(),
            latent.numel(),
            centers.data_ptr(),
            centers.numel(),
            REACH,
            self._module.temperature,
            values.data_ptr(),
            symbols.data_ptr(),
            None if slope is None else slope.data_ptr(),
        )
        return values, symbols, slope


class _Quantization(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, fast: FastQuantizer, latent: Tensor) -> tuple[Tensor, Tensor]:
        dense = latent.is_contiguous() or latent.is_contiguous(memory_format=torch.channels_last)
        values, symbols, slope = fast.run(latent if dense else latent.contiguous(), ctx.needs_input_grad[1])
        ctx.mark_non_differentiable(symbols)
        if slope is not None:
            ctx.save_for_backward(slope)
        return values, symbols

    @staticmethod
    def backward(ctx: Any, gradient: Tensor, _symbols: Any) -> tuple[None, Tensor]:
        if torch.is_grad_enabled():
            raise RuntimeError("a quantizer computed by C has no second derivative; differentiate its definition")
        (slope,) = ctx.saved_tensors
        return None, gradient * slope


def disagreement(module: Quantizer) -> str | None:
    """Returns in a sentence where C lies too far from float64, on latents that are drawn, or None where it does not."""
    generator = stream(0, "kernels.quantizer", 0)
    size = SPREAD * (float(module.centers.abs().max()) + module.temperature**0.5)
    first = (size * torch.randn(2, 3, 7, 11, generator=generator)).requires_grad_()
    weight = torch.randn(first.shape, generator=generator)
    exact, second = copy.deepcopy(module).double(), first.detach().double().requires_grad_()
    with torch.enable_grad():
        found, expected = FastQuantizer(module)(first), exact(second)
    if not torch.equal(found.symbols, module(first).symbols):
        return "its symbols are not those of the definition"
    if not torch.allclose(found.values.double(), expected.values, rtol=1e-6, atol=1e-6):
        return "its values are not those of the definition"
    (mine,), (other,) = (
        torch.autograd.grad(values, latent, weight.to(values.dtype))
        for values, latent in ((found.values, first), (expected.values, second))
    )
    off = float((mine - other).norm() / other.norm())
    return None if off <= GRADIENT else f"the gradient is off by {off:.2g} of its norm, above {GRADIENT:.2g}"
