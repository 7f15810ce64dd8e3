"""A training that stops early: it is the beginning of the whole one, which goes on from there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import ValidationError

from ablate.config import Cell
from ablate.data import prepare
from ablate.execute.cell import run_cell
from ablate.records import Environment
from ablate.store import Entry, Store
from tests.made import computed

STIRRED: dict[str, Any] = {
    "model": {"noise": True},
    "discriminator": {"spectral_norm": True},
    "loss": {"penalties": ["lecam", "gp"], "calibrate": "gradient", "calibrate_at": 4},
}
"""A cell with all that a state can hold: noise, power iterations, memories, a calibration."""


def trained(cell: Cell, store: Store, beginning: Entry | None = None) -> Entry:
    torch.set_num_threads(1)
    for split in ("train", "test"):
        prepare(cell.data, split, store.data_cache)
    entry = store.cell(cell.id)
    entry.begin_attempt(Environment(device="cpu"))
    run_cell(
        cell,
        entry,
        warmup=None,
        beginning=beginning,
        data_cache=store.data_cache,
        device="cpu",
        attempt=1,
        stop=lambda: False,
    )
    return entry


def rows_after(entry: Entry, step: int) -> list[dict]:
    clock = ("t", "attempt", "steps_per_second")
    rows = [row.plain() for row in entry.metrics() if row.step > step]
    return [{key: value for key, value in row.items() if key not in clock} for row in rows]


@pytest.mark.parametrize("stop_at", [6, 8])
def test_a_training_that_goes_on_from_one_that_stopped_ends_bit_for_bit_like_one_in_a_single_piece(
    stop_at: int, make_cell, tmp_path: Path
) -> None:
    whole = make_cell(**STIRRED)
    short = make_cell(**STIRRED, train={"stop_at": stop_at})
    at_once, pieces = (Store(tmp_path / name, "test") for name in ("at once", "pieces"))
    expected, first = trained(whole, at_once), trained(short, pieces)
    assert first.result().step == stop_at
    assert [row.step for row in first.metrics()][-1] == stop_at
    second = trained(whole, pieces, beginning=first)
    assert [event.kind for event in second.events()] == ["continue"]
    assert min(row.step for row in second.metrics()) > stop_at, "steps that were taken before are not taken again"
    assert computed(second.result()) == computed(expected.result())
    assert second.result().metrics == expected.result().metrics
    assert rows_after(second, stop_at) == rows_after(expected, stop_at)
    assert second.result().train_seconds > first.result().train_seconds


def test_without_the_state_of_the_one_that_stopped_it_begins_anew_and_ends_alike(make_cell, tmp_path: Path) -> None:
    whole, short = make_cell(), make_cell(train={"stop_at": 4})
    at_once, pieces = (Store(tmp_path / name, "test") for name in ("at once", "pieces"))
    first = trained(short, pieces)
    assert first.checkpoint.exists(), "the one that goes on needs it"
    first.checkpoint.unlink()
    second = trained(whole, pieces, beginning=first)
    assert second.metrics()[0].step == 1
    assert computed(second.result()) == computed(trained(whole, at_once).result())


def test_the_log_point_that_stopping_adds_is_not_counted_towards_a_collapse(
    make_cell, tmp_path: Path, monkeypatch
) -> None:
    from ablate.train import telemetry

    monkeypatch.setattr(telemetry, "FLAT_STD", 3.0)
    whole, short = (make_cell(train={"steps": 40, "log_every": 4} | more) for more in ({}, {"stop_at": 6}))
    at_once, pieces = (Store(tmp_path / name, "test") for name in ("at once", "pieces"))
    second = trained(whole, pieces, beginning=trained(short, pieces))
    assert second.result().status == "diverged"
    assert second.result().cause == trained(whole, at_once).result().cause


def test_stopping_early_is_another_cell_and_not_stopping_is_the_one_from_before_there_was_the_setting(
    make_cell,
) -> None:
    assert make_cell().id != make_cell(train={"stop_at": 4}).id
    assert make_cell().id == make_cell(train={"stop_at": None}).id


@pytest.mark.parametrize(
    ("sections", "said"),
    [
        ({"train": {"stop_at": 12}}, r"train.stop_at = 12 stops no training of train.steps = 12 early"),
        ({"train": {"stop_at": 4, "discriminator_start": 4}}, r"never takes part: .* train.stop_at = 4"),
        (
            {"train": {"stop_at": 4}, "loss": {"calibrate": "gradient", "calibrate_at": 5}},
            r"calibrate_at = 5 is no step .* 1 to 4 \(train.discriminator_start, train.stop_at\)",
        ),
    ],
)
def test_stopping_where_nothing_could_be_learned_is_refused(sections: dict, said: str, make_cell) -> None:
    with pytest.raises(ValidationError, match=said):
        make_cell(**sections)
