"""`ablate status`: how far a grid is."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ablate.cli.options import RUNS, AsJson, GridName, RunsDir, Shard

if TYPE_CHECKING:
    from ablate.execute import Plan
    from ablate.execute.jobs import Wanted
    from ablate.store import Store

NOTEWORTHY = ("running", "failed", "diverged", "broken", "altered")
"""Statuses of cells that are listed without being asked for."""


def status(
    grid: GridName = None,
    show_all: Annotated[bool, typer.Option("--all", help="List every cell, also finished ones.")] = False,
    shard: Shard = None,
    watch: Annotated[
        bool, typer.Option("--watch", help="Show it anew as it goes on, until it is over or Ctrl-C.")
    ] = False,
    as_json: AsJson = False,
    runs_dir: RunsDir = RUNS,
) -> None:
    """Shows how far a grid is; changes nothing.

    Counts cells that are done, running, diverged, failed and pending, wherever they run, and lists those that run or
    ended badly. Exit code 3 where the records of a cell cannot be read or are not as they were sealed. With --watch it
    is shown anew until no cell is left to run, or Ctrl-C; the exit code is the same.

    Example: ablate status grid.toml --json
    """
    from ablate.cli.cells import counted, exit_where_damaged, list_cells, listed_warmup
    from ablate.cli.locate import find_grid
    from ablate.cli.select import chosen_cells
    from ablate.cli.terminal import command, paint, plural
    from ablate.cli.tuning import counted_parts, progress
    from ablate.execute.finished import left_behind

    if watch and as_json:
        raise ValueError("--watch is for people; a program asks again: `ablate status --json`")
    plan, store = find_grid(grid, runs_dir)
    wanted = chosen_cells(plan, shard=shard)
    if watch:
        _follow(plan, store, wanted)
    cells = list_cells(plan, store, wanted)
    counts = counted(cell["status"] for cell in cells)
    warmups = [listed_warmup(warmup, store.warmup(name)) for name, warmup in plan.warmups.items()]
    parts = counted_parts(plan.record.tune, cells)
    if as_json:
        content = {"name": plan.name, "total": len(cells), **counts, "cells": cells, "warmups": warmups}
        content |= {"parts": parts} if parts else {}
        typer.echo(json.dumps(content, indent=1))
    else:
        typer.echo(f"{paint(plan.name, 'title')}: {plural(len(cells), 'cell')} in {store.path}")
        typer.echo(" · ".join(paint(f"{count} {word}", word) for word, count in counts.items()))
        typer.echo("".join(f"{line}\n" for line in progress(parts)), nl=False)
        shown = [cell for cell in cells if show_all or cell["status"] in NOTEWORTHY]
        shown += [warmup for warmup in warmups if warmup["status"] in NOTEWORTHY]
        if shown:
            typer.echo("\n".join(_table(shown)))
        if gone := left_behind(plan.record, store):
            typer.echo(gone)
        if counts["failed"]:
            failed = next(cell for cell in cells if cell["status"] == "failed")
            typer.echo(f"\nwhy a cell failed: {command('show', plan.name, failed['id'][:6], runs=runs_dir)}")
    exit_where_damaged(each["status"] for each in (*cells, *warmups))


def _follow(plan: Plan, store: Store, wanted: Wanted) -> None:
    from ablate.cli.watch import follow, shown_live
    from ablate.execute.look import look, over

    with shown_live() as show:

        def turn() -> bool:
            seen = look(plan, store, wanted)
            show(seen)
            return over(seen)

        follow(turn)


def _table(shown: list[dict[str, Any]]) -> list[str]:
    from ablate.cli.terminal import columns, number
    from ablate.records import Status

    rows = [(c["id"], c["status"], f"{c['step']}/{c['steps']}", number(c.get("loss"), 3), c["label"]) for c in shown]
    damaged = [each for each in shown if Status(each["status"]).damaged]
    causes = [f"\n{each['id']} is {each['status']}: {each['cause']}" for each in damaged]
    return ["", *columns(("cell", "status", "step", "loss", "label"), rows, status_column=1), *causes]
