"""`ablate status`: how far a grid is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ablate.cli.options import RUNS, AsJson, GridName, RunsDir

if TYPE_CHECKING:
    from ablate.store import Store


def status(
    grid: GridName = None,
    show_all: Annotated[bool, typer.Option("--all", help="List every cell, also finished ones.")] = False,
    as_json: AsJson = False,
    runs_dir: RunsDir = RUNS,
) -> None:
    """Shows how far a grid is; changes nothing.

    Counts cells that are done, running, diverged, failed and pending, wherever they run, and lists those that run or
    ended badly.

    Example: ablate status grid.toml --json
    """
    from ablate.cli.locate import find_grid
    from ablate.cli.standing import count, standings

    plan, store = find_grid(grid, runs_dir)
    cells = standings(plan, store)
    counts = count(cells)
    warmups = [_warmup(store.warmup(name), warmup) for name, warmup in plan.warmups.items()]
    if as_json:
        content = {"name": plan.name, "total": len(cells), **counts, "cells": [cell.as_json() for cell in cells]}
        typer.echo(json.dumps(content | {"warmups": warmups}, indent=1))
        return
    _print(plan.name, store, runs_dir, counts, [cell.as_json() for cell in cells], warmups, show_all)


def _warmup(entry: Any, warmup: Any) -> dict[str, Any]:
    row = entry.result() or entry.last_row() or {"step": 0}
    steps = warmup["warmup"]["steps"]
    plain = {"id": warmup["id"], "label": warmup["label"], "status": entry.status().value}
    return plain | {"step": row["step"], "steps": steps}


def _print(
    name: str,
    store: Store,
    runs: Path,
    counts: dict[str, int],
    cells: list[dict[str, Any]],
    warmups: list[dict[str, Any]],
    show_all: bool,
) -> None:
    from ablate.cli.terminal import columns, command, number, paint, plural

    typer.echo(f"{paint(name, 'title')}: {plural(len(cells), 'cell')} in {store.path}")
    typer.echo(" · ".join(paint(f"{counted} {word}", word) for word, counted in counts.items()))
    shown = [cell for cell in cells if show_all or cell["status"] in ("running", "failed", "diverged")]
    shown += [warmup for warmup in warmups if warmup["status"] in ("running", "failed", "diverged")]
    if shown:
        rows = [
            (c["id"], c["status"], f"{c['step']}/{c['steps']}", number(c.get("loss"), 3), c["label"]) for c in shown
        ]
        typer.echo("\n".join(["", *columns(("cell", "status", "step", "loss", "label"), rows, status_column=1)]))
    if counts["failed"]:
        failed = next(cell for cell in cells if cell["status"] == "failed")
        typer.echo(f"\nwhy a cell failed: {command('show', name, failed['id'][:6], runs=runs)}")
