"""Proof that a backend computes what its definition says, before a training takes it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch

from ablate.kernels import Function, Gradients, backends
from ablate.kernels.proof import refuted

L1 = {"mse": 0.0, "l1": 1.0}


def slightly_wrong(**options: Any) -> Function:
    """A definition whose gradient is a hundredth too large."""
    right = backends("distortion")[0].build(**options)

    def wrong(*images: Any) -> Gradients:
        found = right(*images)
        return found._replace(reconstruction=tuple(1.01 * each for each in found.reconstruction))

    return wrong


def test_a_proof_that_fails_says_on_what() -> None:
    broken = replace(backends("distortion")[0], build=slightly_wrong)
    assert "odd sizes" in str(refuted(broken, L1, "cpu", torch.float32))
    assert refuted(backends("distortion")[0], L1, "cpu", torch.float32) is None


def test_a_backend_that_fails_is_not_taken_and_the_error_is_told() -> None:
    def build(**_options: Any) -> Function:
        def fails(*_images: Any) -> Gradients:
            raise OSError("no such instruction")

        return fails

    broken = replace(backends("distortion")[0], name="native", build=build)
    assert refuted(broken, L1, "cpu", torch.float32) == (
        "distortion: native fails on odd sizes: OSError: no such instruction"
    )
