"""Backends in Triton for CUDA. Triton is imported when the first kernel is built."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import os
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from ablate.kernels.backend import Backend, Function, Gradients


def missing(_device: str) -> str | None:
    """Returns why no Triton kernel can run here, in a sentence, or None where they can."""
    if importlib.util.find_spec("triton") is None:
        return "triton is not installed"
    # Triton's interpreter, which this variable turns on, stands in for a GPU.
    if not torch.cuda.is_available() and os.environ.get("TRITON_INTERPRET") != "1":
        return "triton needs a GPU, and torch sees none here"
    return None


def in_triton(operator: str) -> Backend:
    """Returns the backend of an operator's module `triton`."""

    def build(**options: Any) -> Function:
        function: Function = importlib.import_module(f"ablate.kernels.{operator}.triton").build(**options)
        return function

    return Backend(operator, "triton", build, ("cuda",), missing)


def where_tensors_lie(function: Function) -> Function:
    """Makes the GPU of its tensors the current one for a function, since that is where Triton launches."""

    def there(images: Sequence[Tensor], reconstructions: Sequence[Tensor]) -> Gradients:
        first = reconstructions[0]
        with torch.cuda.device_of(first) if first.is_cuda else contextlib.nullcontext():
            return function(images, reconstructions)

    return there
