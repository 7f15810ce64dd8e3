"""A loss of this file's own, through the catalogue: found by name, trained with, documented."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from ablate.config import Cell
from ablate.losses import AdversarialLoss, adversarial
from ablate.losses.card import card
from ablate.losses.catalogue import adversarial_losses
from ablate.objective import Choice, Objective
from ablate.rng import stream
from ablate.train.state import TrainState
from ablate.train.step import training_step


@pytest.fixture(autouse=True)
def exponential(monkeypatch: pytest.MonkeyPatch) -> None:
    """Registers the loss for one test."""
    list(adversarial_losses)  # those that ship
    monkeypatch.setattr(adversarial_losses, "_entries", dict(adversarial_losses._entries))

    @adversarial_losses.register(
        formula=r"L_D = E e^{-s r} + E e^{s f}, \quad L_G = E e^{-s f}",
        source="a test",
        convention="no limit",
        gradient_at_zero=-1.0,
        gradient_losing=-54.598,
        ranges={"steepness": (0.1, 1.0)},
    )
    def exponential(*, steepness: float = 1.0) -> AdversarialLoss:
        """Exponential loss of every logit."""

        def cost(margin: Tensor) -> Tensor:
            return (-steepness * margin).exp().mean()

        return AdversarialLoss(lambda real, fake: cost(real) + cost(-fake), lambda _real, fake: cost(fake))


def cell(**options: float) -> Cell:
    return Cell.model_validate(
        {
            "data": {"crop": 32, "batch_size": 2},
            "model": {"width": 4, "downsamplings": 2, "residual_blocks": 0, "norm": "channel", "channels": 2},
            "discriminator": {"width": 4, "layers": 2, "norm": "channel", "scales": 2},
            "loss": {"adversarial": {"name": "exponential", "options": options}},
        }
    )


def losses(settings: Cell, steps: int = 2) -> list[float]:
    """The generator's and the discriminators' losses of some steps."""
    state = TrainState.for_cell(settings, "cpu")
    objective = Objective.build(settings.loss, Choice("auto", "cpu"))

    def batch(step: int, _purpose: str = "") -> Tensor:
        return 2 * torch.rand(2, 3, 32, 32, generator=stream(0, "test.batch", step)) - 1

    taken = [training_step(state, objective, settings, batch) for _ in range(steps)]
    assert state.step == steps
    return [float(loss) for step in taken for loss in step.losses]


def test_two_steps_are_trained_with_it() -> None:
    found = losses(cell())
    assert len(found) == 4
    assert all(loss > 0 for loss in found)
    assert losses(cell(steepness=0.5)) != found


def test_its_options_are_checked_and_part_of_the_identity() -> None:
    assert cell(steepness=0.5).id != cell().id == cell(steepness=1.0).id
    with pytest.raises(ValueError, match="did you mean 'steepness'"):
        cell(steepnes=0.5)


def test_it_is_called_by_name_over_scales_and_has_a_card() -> None:
    zeros = [torch.zeros(2, 1, 4, 4), torch.zeros(2, 1, 2, 2)]
    loss = adversarial("exponential", reduction="sum")
    assert (loss.discriminator(zeros, zeros).item(), loss.generator((), zeros).item()) == (4.0, 2.0)
    (only,) = card("exponential")
    assert (only.summary, only.ranges) == ("Exponential loss of every logit.", {"steepness": (0.1, 1.0)})
