"""Who steps when, and on what."""

import dataclasses
from collections.abc import Callable

import pytest
import torch
from torch.backends import cudnn

from ablate.config import Cell
from ablate.data import prepare
from ablate.store import Entry, Store
from ablate.trackers.tracking import Tracking
from ablate.train import discriminator_step, step, telemetry
from ablate.train.batches import Batches
from ablate.train.loop import train, warm_up
from ablate.train.state import TrainState
from ablate.train.watch import Watch

Steps = list[tuple[str, int, torch.Tensor]]


@pytest.fixture
def stepped(make_cell, claimed: Callable[[Cell], Entry], store: Store, monkeypatch: pytest.MonkeyPatch):
    """Trains a cell of three steps and tells who stepped: player, number of the step, images that it saw."""

    def run(**sections: dict) -> tuple[Steps, list[dict]]:
        train_settings = {"steps": 3, "log_every": 1, **sections.pop("train", {})}
        cell = make_cell(train=train_settings, **sections)
        entry = claimed(cell)
        steps: Steps = []
        discriminate, generate = discriminator_step.discriminator_loss, step.generator_terms

        def watched_discriminator(state, objective, cell, number, draw, shown):
            steps.append(("discriminator", draw, shown.image))
            return discriminate(state, objective, cell, number, draw, shown)

        def watched_generator(state, objective, image, reconstruction, precision, number, side):
            steps.append(("generator", number, image))
            return generate(state, objective, image, reconstruction, precision, number, side)

        monkeypatch.setattr(discriminator_step, "discriminator_loss", watched_discriminator)
        monkeypatch.setattr(step, "generator_terms", watched_generator)
        state = TrainState.for_cell(cell, "cpu")
        images = prepare(cell.data, "train", store.data_cache)
        train(state, cell, images, Watch(Tracking(entry, 1), "cpu", lambda: False, "train"))
        monkeypatch.undo()
        return steps, entry.metrics()

    return run


def order(steps: Steps) -> str:
    return "".join(player[0] for player, _, _ in steps)


def test_the_discriminators_step_first_unless_the_generator_shall(stepped) -> None:
    assert order(stepped()[0]) == "dgdgdg"
    assert order(stepped(train={"order": "generator_first"})[0]) == "gdgdgd"


def test_both_players_see_the_same_images_and_unpaired_ones_only_as_a_quirk(stepped) -> None:
    for quirk in (False, True):
        steps, _ = stepped(train={"quirks": {"unpaired_batches": quirk}})
        for output, made in zip(steps[::2], steps[1::2], strict=True):
            assert torch.equal(output[2], made[2]) is not quirk


def test_further_discriminator_steps_have_numbers_and_images_of_their_own(stepped) -> None:
    steps, _ = stepped(train={"discriminator_steps": 3})
    assert order(steps) == "dddgdddgdddg"
    output = [(number, image) for player, number, image in steps if player == "discriminator"]
    assert [number for number, _ in output] == list(range(9))
    assert all(not torch.equal(a[1], b[1]) for i, a in enumerate(output) for b in output[:i])


def test_the_generators_images_do_not_depend_on_the_discriminators_steps(stepped) -> None:
    one, three = (stepped(train={"discriminator_steps": n})[0] for n in (1, 3))
    for a, b in zip(*([i for player, _, i in steps if player == "generator"] for steps in (one, three)), strict=True):
        assert torch.equal(a, b)


def test_mirroring_is_a_setting_that_the_loop_obeys(make_cell, claimed, store: Store) -> None:
    drawn = []
    for flip in (False, True):
        cell = make_cell(data={"flip": flip, "batch_size": 16})
        claimed(cell)
        images = prepare(cell.data, "train", store.data_cache)
        drawn.append(Batches(images, cell.data, cell.seed, "cpu")(0))
    plain, mirrored = drawn
    turned = [torch.equal(a.flip(2), b) for a, b in zip(plain, mirrored, strict=True)]
    same = [torch.equal(a, b) for a, b in zip(plain, mirrored, strict=True)]
    assert all(a != b for a, b in zip(turned, same, strict=True))
    assert any(turned)
    assert -1 <= plain.min() < 0 < plain.max() <= 1


def test_every_forward_pass_draws_noise_of_its_own(
    make_cell, claimed, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    cell = make_cell(model={"noise": True}, train={"steps": 3, "discriminator_steps": 2})
    entry, drawn = claimed(cell), []
    real_stream = step.stream
    for module in (step, discriminator_step):
        monkeypatch.setattr(module, "stream", lambda *named: drawn.append(named) or real_stream(*named))
    images = prepare(cell.data, "train", store.data_cache)
    train(TrainState.for_cell(cell, "cpu"), cell, images, Watch(Tracking(entry, 1), "cpu", lambda: False, "train"))
    expected = [[("noise", step), ("discriminator.noise", 2 * step + 1)] for step in range(3)]
    assert drawn == [(cell.seed, *named) for pair in expected for named in pair]


def test_crops_go_on_where_those_of_the_warm_start_end(stepped) -> None:
    plain, warmed = (stepped(train={"warmup_steps": steps})[0][1::2] for steps in (0, 2))
    assert torch.equal(plain[2][2], warmed[0][2])
    assert not torch.equal(plain[0][2], warmed[0][2])


@pytest.mark.parametrize(("decay", "parts"), [("cosine", [1, 0.75, 0.25]), ("none", [1, 1, 1])])
def test_each_step_of_a_warm_start_has_its_part_of_the_learning_rate(
    make_cell, claimed: Callable[[Cell], Entry], store: Store, decay: str, parts: list[float]
) -> None:
    cell = make_cell(train={"warmup_steps": 3, "warmup_decay": decay}, optimizers={"warmup": {"learning_rate": 0.002}})
    entry, state, rates = claimed(cell), TrainState.for_warmup(cell.warmup, "cpu"), []

    def stop() -> bool:
        rates.append(state.codec_optimizer.param_groups[0]["lr"])
        return False

    images = prepare(cell.data, "train", store.data_cache)
    warm_up(state, cell.warmup, images, Watch(Tracking(entry, 1), "cpu", stop, "warmup"))
    assert rates == pytest.approx([0.002 * part for part in parts])


def test_before_their_start_neither_discriminators_nor_adversarial_terms_take_part(stepped) -> None:
    steps, rows = stepped(train={"discriminator_start": 2})
    assert order(steps) == "dg"
    assert [set(row.loss) for row in rows] == [
        {"distortion", "generator"},
        {"distortion", "generator"},
        {"distortion", "adversarial", "feature_matching", "generator", "discriminator"},
    ]


@pytest.mark.parametrize(
    ("flat", "ended"), [("1110111011", "done"), ("0110111100", "diverged"), ("1111000000", "diverged")]
)
def test_a_training_has_collapsed_where_it_is_flat_at_four_log_points_in_a_row(
    make_cell, claimed: Callable[[Cell], Entry], store: Store, monkeypatch: pytest.MonkeyPatch, flat: str, ended: str
) -> None:
    cell = make_cell(train={"steps": len(flat), "log_every": 1}, discriminator={"scales": 1})
    entry, looks = claimed(cell), iter(flat)
    monkeypatch.setattr(telemetry, "is_flat", lambda _row: next(looks) == "1")
    images = prepare(cell.data, "train", store.data_cache)
    state = TrainState.for_cell(cell, "cpu")
    outcome = train(state, cell, images, Watch(Tracking(entry, 1), "cpu", lambda: False, "train"))
    assert (outcome.status, outcome.step) == (ended, flat.find("1111") + 4 if ended == "diverged" else len(flat))


@pytest.mark.parametrize("order", ["discriminator_first", "generator_first"])
def test_a_discriminators_loss_that_is_not_finite_is_divergence_too(
    make_cell, claimed: Callable[[Cell], Entry], store: Store, monkeypatch: pytest.MonkeyPatch, order: str
) -> None:
    cell = make_cell(train={"steps": 4, "log_every": 1, "order": order})
    entry, state, sound = claimed(cell), TrainState.for_cell(cell, "cpu"), discriminator_step.accumulated_step

    def broken(state, *arguments):
        output = sound(state, *arguments)
        return dataclasses.replace(output, loss=output.loss * (torch.nan if state.step >= 1 else 1))

    monkeypatch.setattr(discriminator_step, "accumulated_step", broken)
    images = prepare(cell.data, "train", store.data_cache)
    outcome = train(state, cell, images, Watch(Tracking(entry, 1), "cpu", lambda: False, "train"))
    assert (outcome.status, outcome.step) == ("diverged", 2)


def test_a_training_that_is_broken_between_log_points_leaves_no_checkpoint(
    make_cell, claimed: Callable[[Cell], Entry], store: Store
) -> None:
    cell = make_cell(
        train={"steps": 12, "log_every": 12, "checkpoint_every": 4}, optimizers={"generator": {"learning_rate": 1e30}}
    )
    entry, state = claimed(cell), TrainState.for_cell(cell, "cpu")
    images = prepare(cell.data, "train", store.data_cache)
    outcome = train(state, cell, images, Watch(Tracking(entry, 1), "cpu", lambda: False, "train"))
    assert (outcome.status, state.step) == ("diverged", 4)
    assert 1 < outcome.step <= 4
    assert not entry.checkpoint.exists()


def test_a_log_row_tells_the_weights_that_were_found_while_training(stepped) -> None:
    _, rows = stepped(loss={"adaptive_weight": True, "adversarial_weight": 1.0})
    found = [row.weights["adversarial"] for row in rows]
    assert len(set(found)) == 3
    assert all(row.weights["distortion"] == 12 for row in rows)


def test_float32_is_no_tf32_in_any_pass_of_a_training(
    make_cell, claimed: Callable[[Cell], Entry], store: Store
) -> None:
    cell = make_cell(train={"steps": 2, "warmup_steps": 2}, loss={"penalties": ["r1"]})
    entry, warmup = claimed(cell), cell.warmup
    assert warmup is not None
    images = prepare(cell.data, "train", store.data_cache)
    states = [TrainState.for_cell(cell, "cpu"), TrainState.for_warmup(warmup, "cpu")]
    passes: list[tuple[str, bool]] = []
    for module in [state.codec for state in states] + [states[0].discriminator]:
        module.register_forward_hook(lambda *_: passes.append(("forward", cudnn.allow_tf32)))
        next(module.parameters()).register_hook(lambda _: passes.append(("backward", cudnn.allow_tf32)))
    assert cudnn.allow_tf32, "torch's default"
    train(states[0], cell, images, Watch(Tracking(entry, 1), "cpu", lambda: False, "train"))
    warm_up(states[1], warmup, images, Watch(Tracking(entry, 1), "cpu", lambda: False, "warmup"))
    assert set(passes) == {("forward", False), ("backward", False)}
    assert cudnn.allow_tf32
