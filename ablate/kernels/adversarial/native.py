"""One call into C for all scales."""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from ablate.kernels.adversarial.spec import Player
from ablate.kernels.backend import Function, Gradients
from ablate.kernels.layout import plain, typed_as
from ablate.kernels.library import library

TERM = "PPqqdddd"
"""Of adversarial.c: logits, gradient, size, form; a, factor, linear, weight."""


def build(**options: Any) -> Function:
    """Returns one player's loss with its gradients; options are those of `spec.Player`."""
    player = Player(**options)
    call = library("adversarial").adversarial
    call.argtypes, call.restype = (ctypes.c_char_p, ctypes.c_int64, ctypes.c_void_p), None

    def function(images: Sequence[Tensor], reconstructions: Sequence[Tensor]) -> Gradients:
        first, second = player.terms(images, reconstructions)
        terms = [*first, *second]
        held = [plain(term.logits) for term in terms]
        gradients = [torch.empty_like(x) for x in held]
        packed = b"".join(
            struct.pack(TERM, x.data_ptr(), gradient.data_ptr(), x.numel(), *term.form, term.weight)
            for x, gradient, term in zip(held, gradients, terms, strict=True)
        )
        value = torch.empty(())
        call(packed, len(terms), value.data_ptr())
        typed = typed_as([term.logits for term in terms], gradients)
        return Gradients(value, typed[: len(first)], typed[len(first) :])

    return function
