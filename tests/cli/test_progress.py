import dataclasses
import io
import sys
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import pytest
from rich.console import Console

from ablate.cli.progress import MOST_ROWS, Lines, LiveTable, Steady, draw, watching
from ablate.execute.snapshot import Running, Snapshot
from ablate.records import Status
from ablate.store import Store

SNAPSHOT = Snapshot(
    cells=Counter({Status.done: 3, Status.running: 2, Status.failed: 1, Status.pending: 6}),
    running=(
        Running("hinge seed=0", "train", 120, 400, 1.2345, 9.87, here=True),
        Running("lsgan seed=0", "evaluate", 400, 400, None, None, here=False),
    ),
    seconds_left=125.0,
    fraction=0.25,
    measured=True,
)


def drawn(snapshot: Snapshot) -> str:
    console = Console(file=io.StringIO(), width=110)
    console.print(draw(snapshot))
    return console.file.getvalue()


def test_the_table_shows_what_runs_where_and_when_it_ends():
    text = drawn(SNAPSHOT)
    assert "hinge seed=0" in text
    assert "120/400" in text
    assert "1.234" in text
    assert "9.9" in text
    assert "lsgan seed=0 (another process)" in text
    assert "evaluate" in text
    assert "25%" in text
    assert "about 2 min 5 s left" in text
    assert "cells: 3 done · 2 running · 1 failed · 0 diverged · 6 pending" in text


def test_hundreds_under_way_are_cut_to_those_that_have_begun():
    waiting = [Running(f"waiting seed={seed}", "train", 0, 400, None, None, here=True) for seed in range(500)]
    text = drawn(dataclasses.replace(SNAPSHOT, running=(*waiting, *SNAPSHOT.running)))
    assert "hinge seed=0" in text
    assert f"and {502 - MOST_ROWS} more" in text
    assert "25%" in text


def test_an_estimate_that_is_a_guess_says_so():
    guessed = Snapshot(SNAPSHOT.cells, (), 10.0, 0.0, measured=False)
    assert "about 10 s left (a guess)" in drawn(guessed)


@pytest.mark.parametrize(
    ("terminal", "live", "environment", "expected"),
    [
        (True, True, {}, LiveTable),
        (True, False, {}, Lines),
        (False, True, {}, Lines),
        (True, True, {"CI": "true"}, Lines),
        (True, True, {"TERM": "dumb"}, Lines),
    ],
)
def test_a_live_table_is_for_terminals_outside_ci_unless_it_is_not_wanted(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, terminal, live, environment, expected
):
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("sys.stdout", type("Screen", (io.StringIO,), {"isatty": lambda _: terminal})())
    with watching(Store(tmp_path, "grid"), live) as listener:
        assert isinstance(listener.display, expected)


def test_in_a_notebook_one_table_is_replaced_in_place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    shown: list[object] = []
    shell = type("ZMQInteractiveShell", (), {})()

    class Shown:
        def update(self, table: object) -> None:
            shown[-1] = table

    def display(table: object, display_id: bool) -> Shown:
        shown.append(table)
        return Shown()

    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    monkeypatch.setitem(sys.modules, "IPython.display", SimpleNamespace(display=display))
    with watching(Store(tmp_path, "grid"), live=True) as listener:
        for fraction in (0.25, 0.5):
            listener.display._drawn_at = 0.0
            listener.on_tick(lambda fraction=fraction: dataclasses.replace(SNAPSHOT, fraction=fraction))
    console = Console(file=io.StringIO(), width=110)
    console.print(*shown)
    assert "50%" in console.file.getvalue()
    assert "25%" not in console.file.getvalue()


def test_the_live_table_is_not_redrawn_at_every_turn(tmp_path: Path):
    class Drawn:
        count = 0

        def update(self, *_, **__) -> None:
            self.count += 1

    table = LiveTable(Store(tmp_path, "grid"), live := Drawn())
    for _ in range(10):
        table.on_tick(lambda: SNAPSHOT)
    assert live.count == 1


@pytest.mark.parametrize(("broken", "said"), [(OSError(5, "the terminal is gone"), ""), (ZeroDivisionError(), "broke")])
def test_a_display_that_breaks_is_left_out_and_never_ends_a_run(
    tmp_path: Path, capsys: pytest.CaptureFixture, broken: Exception, said: str
):
    class Broken(Lines):
        called = 0

        def on_message(self, _text: str) -> None:
            self.called += 1
            raise broken

    display = Broken(Store(tmp_path, "grid"))
    steady = Steady(display)
    for _ in range(3):
        steady.on_message("a word")
        steady.on_tick(lambda: SNAPSHOT)
    assert display.called == 1
    error = capsys.readouterr().err
    assert said in error
    assert len(error.splitlines()) == bool(said)


def test_a_label_with_control_characters_stays_one_row():
    evil = dataclasses.replace(SNAPSHOT.running[0], label="two\nlines \x1b[2J")
    assert r"two\nlines \x1b[2J  train" in drawn(dataclasses.replace(SNAPSHOT, running=(evil,)))
