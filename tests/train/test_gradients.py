"""Norms of gradients, held to what they are of."""

from __future__ import annotations

import math

import pytest
import torch

from ablate.train.gradients import encoder_norm, weighted_norms
from ablate.train.state import TrainState
from ablate.train.step import generator_terms
from tests.train.test_step import cell, started


def test_gradient_norms_are_those_of_the_weighted_terms() -> None:
    norms = []
    for weight in (1.0, 3.0):
        state, objective, x = started(cell(lambda_x=weight))
        reconstruction = state.codec(x)
        parts = generator_terms(state, objective, x, reconstruction, "float32")
        norms.append(weighted_norms(parts, reconstruction.image))
    torch.testing.assert_close(norms[1]["distortion"], 3 * norms[0]["distortion"])
    torch.testing.assert_close(norms[1]["adversarial"], norms[0]["adversarial"])


def test_the_encoders_norm_is_over_all_its_parameters() -> None:
    codec = TrainState.for_cell(cell(), "cpu").codec
    assert encoder_norm(codec) == 0.0
    for parameter in codec.parameters():
        parameter.grad = torch.full_like(parameter, 2.0)
    count = sum(parameter.numel() for parameter in codec.encoder.parameters())
    assert encoder_norm(codec) == pytest.approx(2 * math.sqrt(count), rel=1e-5)
