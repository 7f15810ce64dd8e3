"""The rate of a codec with an entropy model, weighed by a number or by a controller."""

from __future__ import annotations

import copy
import math
from pathlib import Path

import pytest
import torch
from pydantic import ValidationError

from ablate.codecs.trained import TrainedCodec
from ablate.config import Cell
from ablate.config.loss import Loss
from ablate.data import prepare
from ablate.train.rate_control import BELOW, LARGEST, PROPORTIONAL, compare, is_due, rate_weight
from ablate.train.state import TrainState
from tests.train.conftest import MakeCell
from tests.train.test_run import comparable, resumed_like_undisturbed

SMALL = {"prior": "hyperprior", "prior_width": 4, "channels": 4, "latent_norm": "none"}
RATED = {"model": {"prior": "factorized", "latent_norm": "none"}}


def kept_rate(loss: Loss, steps: int, **kept: torch.Tensor) -> tuple[float, list[float]]:
    """Returns the last rate and all weights where the rate answers its weight at once: 2 / weight."""
    memory, rate, weights = kept, torch.tensor(8.0), []
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


def test_two_levels_are_a_weight_above_the_target_and_another_or_a_sixteenth_below():
    loss = Loss(lambda_r=0.8, rate_target=0.5, rate_control="two_level")
    assert float(rate_weight({}, loss, torch.tensor(0.6))) == pytest.approx(0.8)
    assert float(rate_weight({}, loss, torch.tensor(0.4))) == pytest.approx(0.8 * BELOW)
    given = loss.model_copy(update={"lambda_r_below": 0.0625})
    assert [float(rate_weight({}, given, torch.tensor(rate))) for rate in (0.6, 0.4)] == pytest.approx([0.8, 0.0625])


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
    with pytest.raises(ValidationError, match="is for a loss\\.rate_target with"):
        Cell.model_validate({**RATED, "loss": {"rate_target": 0.5, "lambda_r": 0.1, "lambda_r_below": 0.01}})
    two = {"rate_target": 0.5, "lambda_r": 0.1, "rate_control": "two_level"}
    with pytest.raises(ValidationError, match="is not below that above it"):
        Cell.model_validate({**RATED, "loss": {**two, "lambda_r_below": 0.2}})
    assert Cell.model_validate({**RATED, "loss": {**two, "lambda_r_below": 0.01}})


def test_a_rated_cell_is_measured_by_its_files_and_resumed_bit_for_bit(make_cell: MakeCell, tmp_path: Path) -> None:
    model = {"prior": "context", "prior_width": 4, "channels": 4, "latent_norm": "none"}
    cell = make_cell(model=model, loss={"lambda_r": 0.5, "rate_target": 0.4})
    found = comparable(resumed_like_undisturbed(cell, tmp_path, (3,)))
    measured = found["metrics"]["ema"]
    assert measured["bpp_actual"] > 0
    assert measured.get("bpp_bound") is None  # whole numbers have no bound
    assert all(row["loss"]["rate"] > 0 for row in found["rows"])


def test_files_are_compared_with_the_estimate_now_and_then_and_not_before_the_first_step(make_cell: MakeCell) -> None:
    cell = make_cell(model=SMALL, loss={"lambda_r": 0.5, "rate_target": 0.4}, train={"steps": 1600})
    assert [step for step in range(80) if is_due(cell, step)] == [20, 40, 60]
    short = make_cell(model=SMALL, loss={"lambda_r": 0.5, "rate_target": 0.4}, train={"steps": 40})
    assert [step for step in range(40) if is_due(short, step)] == [10, 20, 30]
    assert not is_due(make_cell(model=SMALL, loss={"lambda_r": 0.5}), 10)


def test_the_factor_is_that_of_files_to_the_estimate_and_the_training_goes_on_as_without(
    make_cell: MakeCell, tmp_path: Path
) -> None:
    cell = make_cell(model=SMALL, loss={"lambda_r": 0.5, "rate_target": 0.4})
    images, state = prepare(cell.data, "train", tmp_path), TrainState.for_cell(cell, "cpu")
    before = {name: value.clone() for name, value in state.codec.state_dict().items()}
    for _ in range(3):
        compare(state, cell, images)
    kept = state.memory["rate"]
    assert kept["factor"] == kept["files"] / kept["estimates"]
    assert float(kept["compared"]) == 3
    trained = TrainedCodec.of(copy.deepcopy(state.average), cell.model, 0)
    files = [8 * len(trained.encode(torch.from_numpy(image.copy()))) / image[0].size for image in images]
    assert any(float(kept["files"]) == pytest.approx(file) for file in files)
    assert state.codec.training
    assert state.average.training
    assert all(torch.equal(before[name], value) for name, value in state.codec.state_dict().items())


def test_what_is_kept_at_the_target_are_files_where_they_differ_from_the_estimate() -> None:
    """Small and simulated; `python -m tests.bench.rate_target` measures it on photographs that were held out."""
    rate, _ = kept_rate(Loss(lambda_r=4.0, rate_target=1.0), 600, factor=torch.tensor(1.25))
    assert 1.25 * rate == pytest.approx(1.0, rel=0.01)
    two = Loss(lambda_r=0.8, rate_target=0.5, rate_control="two_level")
    assert float(rate_weight({"factor": torch.tensor(1.25)}, two, torch.tensor(0.45))) == pytest.approx(0.8)
