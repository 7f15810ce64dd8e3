"""The adversarial weight where gradients set it."""

import dataclasses

import pytest
import torch

from ablate.config import Cell
from ablate.discriminators.discriminator import DiscriminatorOutput
from ablate.objective import Objective, Parts
from ablate.train.state import TrainState
from ablate.train.step import generator_terms
from ablate.train.weighting import adaptive, calibrated
from tests.train.test_step import cell, image

WEIGHTS = {"distortion": 3.0, "adversarial": 0.5}


def terms(settings: Cell, step: int = 0, state: TrainState | None = None):
    state = state or TrainState.for_cell(settings, "cpu")
    state.step = step
    x = image()
    reconstruction = state.codec(x)
    return generator_terms(state, Objective.build(settings.loss), x, reconstruction, "float32"), reconstruction, state


def inputs(settings: Cell, dtype: torch.dtype = torch.float32) -> tuple[TrainState, torch.Tensor, DiscriminatorOutput]:
    """Returns a state, a reconstruction, and what discriminators that look at each pixel by itself say of it."""
    at = image().to(dtype).requires_grad_()
    return TrainState.for_cell(settings, "cpu"), at, DiscriminatorOutput((at.mean(1, keepdim=True),), ())


def norm(term: torch.Tensor, at: torch.Tensor) -> float:
    return float(torch.autograd.grad(term, at, retain_graph=True)[0].norm())


def test_adaptive_weight_is_the_ratio_of_gradients_at_the_generators_last_layer() -> None:
    parts, _, state = terms(cell(adaptive_weight=True, adversarial_weight=0.5))
    last = state.codec.last_layer
    ratio = 12 * norm(parts.terms["distortion"], last) / (norm(parts.terms["adversarial"], last) + 1e-4)
    assert float(parts.weights["adversarial"]) == pytest.approx(0.5 * ratio, rel=1e-4)
    assert parts.weights["distortion"] == 12


def test_adaptive_weight_has_a_limit_where_the_discriminators_say_nothing() -> None:
    parts, _, _ = terms(cell(adaptive_weight=True, adversarial="lsgan_chi2", scales=1))
    assert 0 < float(parts.weights["adversarial"]) <= 1e4
    control = cell(adaptive_weight=True, lambda_x=1e9)
    assert float(terms(control)[0].weights["adversarial"]) == 1e4


def test_adaptive_weight_by_hand_where_the_adversarial_gradient_is_small_or_none() -> None:
    weight = torch.zeros(4, requires_grad=True)
    elsewhere = torch.zeros(4, requires_grad=True)
    # The distortion's gradient has the norm 3 * 0.02, the adversarial one 0.0002, 2e-8 and none.
    for adversarial, factor in (
        (1e-4 * weight.sum(), 0.06 / (2e-4 + 1e-4)),
        (1e-8 * weight.sum(), 0.06 / (2e-8 + 1e-4)),
        (elsewhere.sum(), 0.06 / 1e-4),
    ):
        parts = Parts({"distortion": 0.01 * weight.sum(), "adversarial": adversarial}, WEIGHTS)
        assert float(adaptive(parts, weight).weights["adversarial"]) == pytest.approx(0.5 * factor, rel=1e-5)


@pytest.mark.parametrize("scales", [1, 3])
@pytest.mark.parametrize("name", ["lsgan", "hinge", "rp_vanilla"])
def test_calibrated_losses_pull_as_hard_as_the_reference_at_the_reconstruction(name: str, scales: int) -> None:
    settings = {"feature_matching": "none", "scales": scales}
    reference, at, _ = terms(cell(adversarial="vanilla", **settings))
    parts, here, _ = terms(cell(adversarial=name, calibrate="gradient", calibrate_at=1, **settings))
    wanted = norm(reference.terms["adversarial"], at.image)
    assert float(parts.weights["adversarial"]) * norm(parts.terms["adversarial"], here.image) == pytest.approx(
        wanted, rel=1e-4
    )


def test_calibration_is_found_at_its_step_kept_and_saved(tmp_path) -> None:
    settings = cell(adversarial="lsgan", calibrate="gradient", calibrate_at=3)
    before, _, state = terms(settings, step=1)
    assert before.weights["adversarial"] == 1.0
    assert state.calibration is None
    found = terms(settings, 2, state)[0].weights["adversarial"]
    assert found != 1.0
    with torch.no_grad():
        state.codec.last_layer.mul_(3)
    assert terms(settings, 2, TrainState.for_cell(settings, "cpu"))[0].weights["adversarial"] == found
    anew = dataclasses.replace(state, calibration=None)
    assert terms(settings, 7, anew)[0].weights["adversarial"] != found
    assert terms(settings, 7, state)[0].weights["adversarial"] == found
    with (tmp_path / "state").open("wb") as file:
        state.save(file)
    resumed = TrainState.for_cell(settings, "cpu")
    resumed.load(tmp_path / "state")
    assert terms(settings, 8, resumed)[0].weights["adversarial"] == found


def test_a_term_without_a_gradient_is_calibrated_by_one() -> None:
    settings = cell(adversarial="lsgan", calibrate="gradient", calibrate_at=1)
    objective = Objective.build(settings.loss)
    for unmoved in (lambda at: 0 * at.sum(), lambda _: torch.zeros(1, requires_grad=True).sum()):
        state, at, fake = inputs(settings)
        parts = Parts({"distortion": at.sum(), "adversarial": unmoved(at)}, WEIGHTS)
        found = calibrated(state, objective, parts, at, real=DiscriminatorOutput((), ()), fake=fake)
        assert (state.calibration, found.weights["adversarial"]) == (1.0, 0.5)


def test_norms_of_bfloat16_gradients_are_not_rounded_to_its_three_digits() -> None:
    settings = cell(adversarial="lsgan", calibrate="gradient", calibrate_at=1)
    state, at, fake = inputs(settings, torch.bfloat16)
    slopes = torch.linspace(0.1, 1, at.numel()).reshape(at.shape)
    parts = Parts({"distortion": at.sum(), "adversarial": (slopes * at.float()).sum()}, WEIGHTS)
    objective = Objective.build(settings.loss)
    calibrated(state, objective, parts, at, real=DiscriminatorOutput((), ()), fake=fake)
    reference = objective.adversarial_term(objective.reference, real_logits=(), fake_logits=fake.logits)
    wanted, own = (
        torch.autograd.grad(term, at, retain_graph=True)[0].float().norm()
        for term in (reference, parts.terms["adversarial"])
    )
    assert state.calibration == pytest.approx(float(wanted / own), rel=1e-5)


def test_the_reference_may_be_any_loss() -> None:
    chosen = [
        terms(cell(adversarial="vanilla", calibrate="gradient", calibrate_at=1, calibrate_to=to))[0]
        for to in ("hinge", "rp_lsgan")
    ]
    assert chosen[0].weights["adversarial"] != chosen[1].weights["adversarial"]
