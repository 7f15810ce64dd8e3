"""A step that is captured once and replayed is the step that is taken anew each time."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch.utils import backend_registration

from ablate.bench.training_step import BareTraining, cell_of
from ablate.networks.exact import full_float32
from tests.beside import run_beside
from tests.gpu.graphed import GraphedStep, on_cuda
from tests.gpu.recorded import recorded

SMALL = {"data__crop": 32, "data__batch_size": 2, "train__steps": 20}
STEPS = 8
CELLS = {
    "plain": {},
    "noise, generator first": {
        "model__noise": True,
        "model__noise_channels": 8,
        "model__norm": "instance",
        "train__order": "generator_first",
    },
    "a schedule": {"optimizers__generator__schedule": "cosine", "optimizers__discriminator__warmup_steps": 6},
}


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


def compared(name: str, cache: Path, device: str, capture) -> None:
    """Takes the same steps anew and by replays, and holds losses, weights and averages against each other."""
    cell = cell_of("tiny", cache, **SMALL, **CELLS[name])
    with full_float32():
        eager, other = (BareTraining(cell, cache, device) for _ in range(2))
        graphed = GraphedStep(other, capture)
        for _ in range(STEPS):
            expected = [float(loss) for loss in eager.step()]
            assert [float(loss) for loss in graphed.step()] == pytest.approx(expected, rel=1e-4)
    assert other.state.step == eager.state.step == STEPS
    for module in ("codec", "average", "discriminator"):
        pairs = zip(getattr(other.state, module).parameters(), getattr(eager.state, module).parameters(), strict=True)
        found, wanted = (torch.cat([each.detach().flatten() for each in side]) for side in zip(*pairs, strict=True))
        assert (found - wanted).norm() <= 2e-3 * wanted.norm()


@pytest.mark.parametrize("name", CELLS)
def test_replayed_steps_are_those_that_are_taken_anew(name: str, cache: Path) -> None:
    compared(name, cache, "cpu", recorded)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device, and pytest -m gpu")
@pytest.mark.parametrize("name", CELLS)
def test_graphs_of_a_gpu_are_the_steps_that_are_taken_anew(name: str, cache: Path) -> None:
    compared(name, cache, "cuda", on_cuda)


@pytest.mark.skipif(
    not hasattr(backend_registration, "_setup_privateuseone_for_python_backend"),
    reason="this torch has no devices written in Python",
)
def test_a_replayed_step_stays_on_its_device_and_waits_for_nothing() -> None:
    found = run_beside("tests.gpu.on_another_device")
    assert found["found"] == [pytest.approx(losses, rel=1e-3) for losses in found["expected"]]
    assert found["waited"][3:] == [[], [], []]


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"loss__penalties": ["r1"]}, "penalties draw, or are due at some steps alone"),
        ({"discriminator__augment": ["color"], "discriminator__augment_draws": "shared"}, "augmented images"),
        ({"train__accumulate": 2}, "several batches are accumulated"),
        ({"train__discriminator_steps": 2}, "several steps"),
        ({"train__discriminator_start": 2}, "begin later"),
        ({"optimizers__generator__clip_norm": 1.0}, "gradients are clipped"),
        ({"model__prior": "factorized", "model__latent_norm": "none"}, "an entropy model draws"),
        ({"loss__calibrate": "gradient"}, "a weight is found while training"),
        ({"loss__adversarial": "none", "loss__feature_matching": "none"}, "there is no discriminator"),
    ],
)
def test_a_step_that_is_not_always_the_same_is_refused_with_the_reason(settings, reason: str, cache: Path) -> None:
    training = BareTraining(cell_of("tiny", cache, **SMALL, **settings), cache)
    with pytest.raises(ValueError, match=f"this step cannot be replayed: .*{reason}"):
        GraphedStep(training, recorded)


def test_what_stands_in_for_a_graph_knows_nothing_of_python() -> None:
    seen, weight, number = torch.ones(3), torch.ones(3, requires_grad=True), [2.0]

    def function() -> torch.Tensor:
        loss = (number[0] * seen * weight).sum()
        (gradient,) = torch.autograd.grad(loss, weight)
        with torch.no_grad():
            weight.sub_(gradient)
        return loss.detach()

    replay, result = recorded(function)
    replay()
    assert (result.item(), weight.tolist()) == (6.0, [-1.0] * 3)
    seen.fill_(3)
    number[0] = 100.0
    replay()
    assert (result.item(), weight.tolist()) == (-18.0, [-7.0] * 3), (
        "2 x 3 x -1, thrice: the number is that of the capture"
    )
    with pytest.raises(RuntimeError, match="waits for the device"):
        recorded(lambda: weight.sum().item())
