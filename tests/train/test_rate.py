"""The rate of a codec with an entropy model, weighed by a number or by a controller."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from pydantic import ValidationError

from ablate.config import Cell
from ablate.config.loss import Loss
from ablate.train.rate_control import BELOW, LARGEST, PROPORTIONAL, rate_weight
from tests.train.conftest import MakeCell
from tests.train.test_run import comparable, resumed_like_undisturbed

RATED = {"model": {"prior": "factorized", "latent_norm": "none"}}


def kept_rate(loss: Loss, steps: int) -> tuple[float, list[float]]:
    """Returns the last rate and all weights where the rate answers its weight at once: 2 / weight."""
    memory: dict[str, torch.Tensor] = {}
    rate, weights = torch.tensor(8.0), []
    for _ in range(steps):
        weight = float(rate_weight(memory, loss, rate))
        weights.append(weight)
        rate = torch.tensor(0.7) * rate + torch.tensor(0.3) * 2 / weight
    return float(rate), weights


def test_without_a_target_the_weight_is_lambda_r():
    memory: dict[str, torch.Tensor] = {}
    assert rate_weight(memory, Loss(lambda_r=0.3), torch.tensor(5.0)) == 0.3
    assert memory == {}


@pytest.mark.parametrize("target", [0.2, 1.0, 4.0])
def test_the_integral_controller_reaches_its_target_from_either_side(target: float):
    rate, weights = kept_rate(Loss(lambda_r=1.0, rate_target=target), 600)
    assert rate == pytest.approx(target, rel=0.01)
    assert weights[0] <= math.exp(PROPORTIONAL * LARGEST + 0.1)


def test_two_levels_are_a_weight_above_the_target_and_a_sixteenth_below():
    loss = Loss(lambda_r=0.8, rate_target=0.5, rate_control="two_level")
    assert float(rate_weight({}, loss, torch.tensor(0.6))) == pytest.approx(0.8)
    assert float(rate_weight({}, loss, torch.tensor(0.4))) == pytest.approx(0.8 * BELOW)


def test_a_far_rate_moves_the_weight_no_faster_than_one_of_twice_the_target():
    loss = Loss(lambda_r=1.0, rate_target=0.1)
    found = [float(rate_weight({}, loss, torch.tensor(rate))) for rate in (0.2, 100.0)]
    assert found[0] == pytest.approx(found[1])


def test_a_target_needs_a_weight_to_begin_with_and_a_codec_that_has_a_rate():
    with pytest.raises(ValidationError, match="begins with the weight"):
        Cell.model_validate({**RATED, "loss": {"rate_target": 0.5}})
    with pytest.raises(ValidationError, match=r'model\.prior = "none" estimates none'):
        Cell.model_validate({"loss": {"rate_target": 0.5, "lambda_r": 0.1}})
    assert Cell.model_validate({**RATED, "loss": {"rate_target": 0.5, "lambda_r": 0.1}})


def test_a_rated_cell_is_measured_by_its_files_and_resumed_bit_for_bit(make_cell: MakeCell, tmp_path: Path) -> None:
    model = {"prior": "context", "prior_width": 4, "channels": 4, "latent_norm": "none"}
    cell = make_cell(model=model, loss={"lambda_r": 0.5, "rate_target": 0.4})
    found = comparable(resumed_like_undisturbed(cell, tmp_path, (3,)))
    measured = found["metrics"]["ema"]
    assert measured["bpp_actual"] > 0
    assert measured.get("bpp_bound") is None  # whole numbers have no bound
    assert all(row["loss"]["rate"] > 0 for row in found["rows"])
