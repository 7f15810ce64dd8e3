"""The written-out derivatives through torch.compile: no code of its own, and a compilation of seconds at first use."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from typing import Any

import torch

from ablate.kernels import gpu
from ablate.kernels.backend import Backend, Function

CXX = ("g++", "c++", "clang++")


def missing(device: str) -> str | None:
    """Returns why torch.compile cannot make code for a device here, in a sentence, or None where it can."""
    if device == "cpu":
        named = os.environ.get("CXX")
        if any(shutil.which(name) for name in ((named,) if named else CXX)):
            return None
        return f"torch.compile has no C++ compiler (looked for $CXX, {', '.join(CXX)})"
    return gpu.missing(device)


def compiled(operator: str, closed_form: Callable[..., Function]) -> Backend:
    """Returns the backend that compiles an operator's closed form, whole, for the shapes that it gets."""

    def build(**options: Any) -> Function:
        function: Function = torch.compile(closed_form(**options), fullgraph=True, dynamic=False)
        return function

    return Backend(operator, "compiled", build, missing=missing)
