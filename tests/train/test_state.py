"""What a training starts from."""

from __future__ import annotations

import pytest
import torch

from ablate.config import Cell
from ablate.train.state import TrainState
from tests.train.test_step import cell


def kernels(*modules: torch.nn.Module | None) -> list[torch.Tensor]:
    """Returns the weights whose memory layout says which of the two they have."""
    weights = [weight for module in modules if module is not None for weight in module.parameters()]
    return [weight for weight in weights if weight.ndim == 4 and min(weight.shape) > 1]


def states(settings: Cell) -> tuple[TrainState, TrainState]:
    return TrainState.for_cell(settings, "cpu"), TrainState.for_warmup(settings.warmup, "cpu")


@pytest.mark.parametrize("channels_last", [False, True])
def test_weights_have_the_memory_layout_that_is_asked_for(channels_last: bool) -> None:
    settings = cell({"channels_last": channels_last, "warmup_steps": 1})
    for state in states(settings):
        found = kernels(state.codec, state.average, state.discriminator)
        assert len(found) > 5
        assert {each.is_contiguous(memory_format=torch.channels_last) for each in found} == {channels_last}


def test_a_training_starts_at_nothing() -> None:
    for state in states(cell({"warmup_steps": 1})):
        assert (state.step, state.seconds, state.flat_logs, state.calibration, state.memory) == (0, 0.0, 0, None, {})
