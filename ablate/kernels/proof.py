"""Proof that a backend computes on this device what its definition does in float64."""

from __future__ import annotations

import functools
from typing import Any

import torch

from ablate.kernels.agreement import disagreement
from ablate.kernels.backend import Backend
from ablate.kernels.operators import OPERATORS, backends

PROOF = ("odd sizes", "nearly equal", "kinks and far logits")
"""The trials that a proof consists of; the tests take all of them."""


def refuted(backend: Backend, options: dict[str, Any], device: str, dtype: torch.dtype) -> str | None:
    """Returns in a sentence why a backend is not taken: it cannot be had here, or computes something else.

    None where nothing does. Each proof is made once in a process.
    """
    return _refuted(backend, tuple(sorted(options.items())), device, dtype)


@functools.cache
def _refuted(backend: Backend, given: tuple[tuple[str, Any], ...], device: str, dtype: torch.dtype) -> str | None:
    options = dict(given)
    if (reason := backend.unavailable(device)) is not None:
        return reason
    function, definition = backend.build(**options), backends(backend.operator)[0].build(**options)
    tolerance = OPERATORS[backend.operator].tolerance(dtype)
    for trial in OPERATORS[backend.operator].trials(options):
        if trial.name not in PROOF:
            continue
        here = trial.to(device, dtype)
        exact = here.to("cpu", torch.float64)
        try:
            found = function(here.image, here.reconstruction)
        except Exception as error:  # noqa: BLE001 - whatever a compiler or a driver throws, the definition is there
            return f"{backend.operator}: {backend.name} fails on {trial.name}: {type(error).__name__}: {error}"
        problem = disagreement(found, definition(exact.image, exact.reconstruction), tolerance)
        if problem is not None:
            return f"{backend.operator}: {backend.name} disagrees with float64 on {trial.name}: {problem}"
    return None
