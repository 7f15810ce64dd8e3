"""Optimizers as the settings say: decay, clipping, schedules, accumulation; each changes what is trained."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from ablate.config import Adam, Cell, ScheduledAdam
from ablate.data import prepare
from ablate.losses import Memory
from ablate.objective import Objective
from ablate.store import Entry, Store
from ablate.train.batches import Batches
from ablate.train.optimizers import clip, optimizer_of, rate_at, share_clipped
from ablate.train.state import TrainState
from ablate.train.step import descend, training_step
from tests.train.conftest import MakeCell
from tests.train.test_run import comparable, resumed_like_undisturbed, train

PLAYERS = ("generator", "discriminator")


def one_weight(**settings: Any) -> tuple[nn.Linear, torch.optim.Optimizer]:
    module = nn.Linear(1, 1, bias=False)
    module.weight.data.fill_(2.0)
    return module, optimizer_of(module, Adam.model_validate(settings))


def stepped(module: nn.Linear, optimizer: torch.optim.Optimizer, gradient: float) -> float:
    module.weight.grad = torch.full_like(module.weight, gradient)
    optimizer.step()
    return module.weight.item()


def test_adam_is_what_it_was() -> None:
    own, (module, optimizer) = nn.Linear(1, 1, bias=False), one_weight(learning_rate=0.1, beta1=0.5)
    own.weight.data.fill_(2.0)
    reference = torch.optim.Adam(own.parameters(), lr=0.1, betas=(0.5, 0.999), eps=1e-8, fused=True)
    for gradient in (1.0, -3.0, 0.5):
        assert stepped(module, optimizer, gradient) == stepped(own, reference, gradient)


def test_adamw_shrinks_the_weights_apart_from_the_gradients_and_adam_adds_to_these() -> None:
    decayed = {"learning_rate": 0.1, "weight_decay": 0.5}
    apart = stepped(*one_weight(name="adamw", **decayed), 0.0)
    assert apart == pytest.approx(2.0 * (1 - 0.1 * 0.5))
    # Adam's first step is the rate, whatever the gradient is.
    assert stepped(*one_weight(name="adam", **decayed), 0.0) == pytest.approx(2.0 - 0.1)


@pytest.mark.parametrize(("norm", "expected", "share"), [(1.0, [0.6, 0.8], 1.0), (10.0, [3.0, 4.0], 0.0)])
def test_gradients_are_clipped_together_and_it_is_counted(norm: float, expected: list[float], share: float) -> None:
    module, memory = nn.Linear(2, 1, bias=False), Memory()
    settings = Adam(clip_norm=norm)
    optimizer = optimizer_of(module, settings)
    clip(optimizer, settings, lambda: memory)
    module.weight.grad = torch.tensor([[3.0, 4.0]])
    optimizer.step()
    assert module.weight.grad.flatten().tolist() == pytest.approx(expected)
    assert share_clipped(memory) == share


def test_half_of_the_steps_clipped_is_a_half() -> None:
    module, memory, settings = nn.Linear(1, 1, bias=False), Memory(), Adam(clip_norm=1.0)
    optimizer = optimizer_of(module, settings)
    clip(optimizer, settings, lambda: memory)
    for gradient in (0.5, 2.0, 0.9, 5.0):
        stepped(module, optimizer, gradient)
    assert share_clipped(memory) == 0.5


def test_the_warm_ups_optimizer_clips_and_decays_too(make_cell: MakeCell) -> None:
    settings = {"warmup": {"clip_norm": 1e-6, "name": "adamw", "weight_decay": 0.1}}
    warmup = make_cell(train={"warmup_steps": 3}, optimizers=settings).warmup
    assert warmup is not None
    state = TrainState.for_warmup(warmup, "cpu")
    image = torch.rand(2, 3, 32, 32)
    descend(state, (state.codec(image).image - image).square().mean())
    assert state.clipped == {"generator": 1.0}
    assert isinstance(state.codec_optimizer, torch.optim.AdamW)
    assert warmup.id != make_cell(train={"warmup_steps": 3}).warmup.id


def rates(steps: int = 10, **settings: Any) -> list[float]:
    own = ScheduledAdam.model_validate({"learning_rate": 1.0, **settings})
    return [rate_at(own, step, steps) for step in range(steps)]


def test_a_constant_rate_is_constant() -> None:
    assert rates() == [1.0] * 10


def test_schedules_fall_from_the_rate_towards_0_at_the_end() -> None:
    assert rates(schedule="linear") == pytest.approx([1 - step / 10 for step in range(10)])
    assert rates(schedule="cosine") == pytest.approx([(1 + math.cos(math.pi * step / 10)) / 2 for step in range(10)])


@pytest.mark.parametrize("schedule", ["constant", "linear", "cosine"])
def test_the_warm_up_rises_in_a_line_to_the_rate_and_the_schedule_has_the_rest(schedule: str) -> None:
    found = rates(schedule=schedule, warmup_steps=4)
    assert found[:5] == pytest.approx([0.25, 0.5, 0.75, 1.0, 1.0])
    assert found[4:] == pytest.approx(rates(6, schedule=schedule))


def run(cell: Cell, cache: Path, steps: int = 3) -> TrainState:
    """Trains some steps and returns the state."""
    torch.set_num_threads(1)
    state, objective = TrainState.for_cell(cell, "cpu"), Objective.build(cell.loss)
    batches = Batches(prepare(cell.data, "train", cache), cell.data, cell.seed, "cpu")
    for _ in range(steps):
        training_step(state, objective, cell, batches)
    return state


def weights(state: TrainState, player: str) -> torch.Tensor:
    module = state.codec if player == "generator" else state.discriminator
    assert module is not None
    return torch.cat([weight.detach().flatten() for weight in module.parameters()])


@pytest.mark.parametrize("player", PLAYERS)
@pytest.mark.parametrize(
    "changed",
    [
        {"weight_decay": 0.1},
        {"name": "adamw", "weight_decay": 0.1},
        {"clip_norm": 1e-6},
        {"schedule": "linear"},
        {"schedule": "cosine"},
        {"warmup_steps": 5},
    ],
    ids=str,
)
def test_each_option_changes_what_its_player_learns(
    make_cell: MakeCell, tmp_path: Path, player: str, changed: dict[str, Any]
) -> None:
    plain, other = (
        run(make_cell(optimizers={player: settings}), tmp_path)
        for settings in ({"epsilon": 1e-4}, changed | {"epsilon": 1e-4})
    )
    assert not torch.equal(weights(plain, player), weights(other, player))


def test_the_discriminators_schedule_begins_with_their_first_step(make_cell: MakeCell, tmp_path: Path) -> None:
    late = make_cell(
        train={"steps": 12, "discriminator_start": 2},
        optimizers={"discriminator": {"schedule": "linear", "learning_rate": 0.5}},
    )
    seen = [run(late, tmp_path, steps).discriminator_optimizer.param_groups[0]["lr"] for steps in (2, 3, 4)]
    assert seen == pytest.approx([0.5, 0.5, 0.45])


def test_a_training_that_stops_early_has_the_schedule_of_the_whole(make_cell: MakeCell, tmp_path: Path) -> None:
    schedule = {"optimizers": {"generator": {"schedule": "cosine"}}}
    whole, short = make_cell(**schedule), make_cell(**schedule, train={"stop_at": 3})
    assert torch.equal(weights(run(whole, tmp_path), "generator"), weights(run(short, tmp_path), "generator"))


ORDERS = ("discriminator_first", "generator_first")


@pytest.mark.parametrize("order", ORDERS)
def test_gradients_of_several_batches_are_averaged(make_cell: MakeCell, tmp_path: Path, order: str) -> None:
    """Two batches of two images give the gradients of one of four: nothing in this cell looks over the batch."""
    cell = make_cell(data={"batch_size": 2}, model={"latent_norm": "none"}, train={"accumulate": 2, "order": order})
    state, objective = TrainState.for_cell(cell, "cpu"), Objective.build(cell.loss)
    batches = Batches(prepare(cell.data, "train", tmp_path), cell.data, cell.seed, "cpu")
    taken = training_step(state, objective, cell, batches)

    class Whole:
        """Both batches as one."""

        def __call__(self, step: int, purpose: str = "data.crops") -> torch.Tensor:
            assert (step, purpose) == (0, "data.crops")
            return torch.cat([batches(0), batches(1)])

    single = cell.model_copy(update={"train": cell.train.model_copy(update={"accumulate": 1})})
    reference = TrainState.for_cell(single, "cpu")
    expected = training_step(reference, objective, single, Whole())  # type: ignore[arg-type]
    torch.testing.assert_close(taken.loss, expected.loss)
    torch.testing.assert_close(taken.discriminator.loss, expected.discriminator.loss)
    for own, other in ((state.codec, reference.codec), (state.discriminator, reference.discriminator)):
        for a, b in zip(own.parameters(), other.parameters(), strict=True):
            torch.testing.assert_close(a.grad, b.grad, rtol=1e-3, atol=1e-5)


def test_every_batch_of_a_training_is_another_one(make_cell: MakeCell, tmp_path: Path) -> None:
    cell = make_cell(train={"accumulate": 3, "warmup_steps": 5, "discriminator_steps": 2})
    asked: list[tuple[int, str]] = []

    class Watched(Batches):
        def __call__(self, step: int, purpose: str = "data.crops") -> torch.Tensor:
            asked.append((step, purpose))
            return super().__call__(step, purpose)

    state, objective = TrainState.for_cell(cell, "cpu"), Objective.build(cell.loss)
    batches = Watched(prepare(cell.data, "train", tmp_path), cell.data, cell.seed, "cpu")
    for _ in range(2):
        training_step(state, objective, cell, batches)
    assert sorted({step for step, purpose in asked if purpose == "data.crops"}) == list(range(5, 11))
    assert sorted(step for step, purpose in asked if purpose != "data.crops") == [3, 4, 5, 9, 10, 11]


def test_everything_at_once_is_logged_and_resumed_bit_for_bit(make_cell: MakeCell, tmp_path: Path) -> None:
    scheduled = {"name": "adamw", "weight_decay": 0.01, "clip_norm": 0.05, "schedule": "cosine", "warmup_steps": 3}
    cell = make_cell(
        loss={"penalties": ["gp"], "generator": "vanilla"},
        optimizers={"generator": scheduled, "discriminator": {**scheduled, "schedule": "linear", "clip_norm": 0.5}},
        train={"accumulate": 2, "discriminator_steps": 2},
    )
    found = comparable(resumed_like_undisturbed(cell, tmp_path, (2, 5)))
    shares = found["rows"][-1]["clipped"]
    assert shares.keys() == set(PLAYERS)
    assert 0 < shares["generator"] <= 1


def test_nothing_is_told_of_clipping_where_nothing_is_clipped(make_cell: MakeCell, claimed: Any, store: Store) -> None:
    cell = make_cell(train={"steps": 2})
    entry: Entry = claimed(cell)
    train(cell, entry, store)
    assert "clipped" not in entry.metrics()[-1].plain()
