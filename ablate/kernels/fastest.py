"""The fastest backend that pays for a loss of some size and has proven itself equal on a device."""

from __future__ import annotations

from typing import Any

import torch

from ablate.kernels.backend import Backend
from ablate.kernels.operators import OPERATORS, backends
from ablate.kernels.proof import refuted


def fastest(
    name: str,
    operator: str,
    options: dict[str, Any],
    device: str,
    dtype: torch.dtype,
    size: int,
    only: str | None = None,
) -> tuple[Backend | None, list[str]]:
    """Returns the backend, None for the definition, and in sentences why faster ones are not taken.

    Args:
        name: of the loss, by which or by whose own name the operator knows when a backend pays.
        operator: what computes it.
        options: of the operator.
        device: where its tensors lie.
        dtype: their type, float32 or bfloat16.
        size: how many values one image's tensors have.
        only: the name of the one backend that may be taken, whatever the size.
    """
    known = {backend.name: backend for backend in backends(operator)}
    reasons: list[str] = []
    for candidate, least in OPERATORS[operator].candidates(name, device.partition(":")[0]):
        if candidate != only and (only is not None or size < least):
            continue
        reason = refuted(known[candidate], options, device, dtype)
        if reason is None:
            return known[candidate], reasons
        reasons.append(reason)
    return None, reasons
