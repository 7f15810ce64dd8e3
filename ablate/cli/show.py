"""`ablate show`: the numbers of a grid, or everything about one cell."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ablate.cli.options import RUNS, AsJson, RunsDir
from ablate.records import WEIGHTS, Status

if TYPE_CHECKING:
    from ablate.records import AttemptEnd, CellRecord, Record
    from ablate.store import Attempt, Entry

LOG_LINES = 15
METRICS = ("psnr", "ms_ssim", "bpp_actual", "fd_lite0_112")
"""Columns that follow those of the grid's primary metrics."""


def show(
    grid: Annotated[str, typer.Argument(metavar="GRID", help="A grid file, or the name of a grid that was run.")],
    cell: Annotated[
        str | None, typer.Argument(metavar="CELL", help="A label, or the beginning of an id. Default: all cells.")
    ] = None,
    as_json: AsJson = False,
    runs_dir: RunsDir = RUNS,
) -> None:
    """Shows metrics, or all about one cell.

    Without a cell: the metrics of all finished ones. With a cell: its settings, attempts, metrics, and why it failed.

    Example: ablate show grid.toml 3fa9
    """
    from ablate.cli.cells import exit_where_damaged, listed
    from ablate.cli.locate import find_cell, find_grid
    from ablate.cli.tuning import chosen

    plan, store = find_grid(grid, runs_dir)
    cells = {one.id: one for one in store.cell_records(plan.record)}
    if cell is None:
        shown = list(cells.values())
        plain = [listed(one, store.cell(one.id)) | {"result": _plain(one.result)} for one in shown] if as_json else []
        tuning = store.tuning()
        content = {"name": plan.name, "cells": plain} | ({"tuning": tuning.plain()} if tuning else {})
        typer.echo(
            json.dumps(content, indent=1)
            if as_json
            else "\n".join([*_table(shown, plan.record.compare.primary), *chosen(tuning)])
        )
    else:
        shown = [cells[find_cell(plan, store, cell).id]]
        entry = store.cell(shown[0].id)
        found = Shown(shown[0], entry, listed(shown[0], entry))
        typer.echo(json.dumps(_content(found), indent=1) if as_json else "\n".join(_lines(found)))
    exit_where_damaged(one.status for one in shown)


@dataclass(frozen=True)
class Shown:
    """A cell with its place in the store and what is listed of it."""

    cell: CellRecord
    entry: Entry
    listed: Mapping[str, Any]


def _table(cells: Iterable[CellRecord], primary: Iterable[str]) -> list[str]:
    from ablate.cli.terminal import columns, duration, number
    from ablate.metrics.catalogue import metrics
    from ablate.metrics.naming import split_name

    names = tuple(dict.fromkeys((*primary, *METRICS)))
    digits = {name: metrics[plain].decimals for name in names if (plain := split_name(name)[0]) in metrics}
    rows = [
        (one.id, one.status.value, *(number(one.score(name), digits.get(name, 4)) for name in names),
         duration(one.result.seconds), one.label)
        for one in cells
        if one.result
    ]  # fmt: skip
    header = ("cell", "status", *names, "time", "label")
    table = [*columns(header, rows, status_column=1), "", "metrics of the averaged weights (ema)"]
    damaged = [f"{one.id} is {one.status}: {one.cause}" for one in cells if one.status.damaged]
    return [*(table if rows else ["no cell is finished yet"]), *damaged]


def _content(found: Shown) -> dict[str, Any]:
    attempts = [
        {
            "number": one.number,
            "start": _plain(one.start()) or {},
            "exit": _plain(_ended(one)),
            "environment": one.environment().plain(),
        }
        for one in found.entry.attempts()
    ]
    return {
        **found.listed,
        "path": str(found.entry.path),
        "settings": dict(found.cell.config),
        "plugins": _plugins(found),
        "attempts": attempts,
        "events": [event.plain() for event in found.entry.events()],
        "result": _plain(found.cell.result),
    }


def _ended(attempt: Attempt) -> AttemptEnd | None:
    """Returns how an attempt ended, as far as it can be read: what is wrong with it is the cell's cause."""
    from ablate.records import RecordError  # which imports pydantic

    try:
        return attempt.exit()
    except RecordError:
        return None


def _plain(record: Record | None) -> dict[str, Any] | None:
    return record.plain() if record else None


def _lines(found: Shown) -> list[str]:
    from ablate.cli.terminal import paint

    cell = found.cell
    head = [f"{paint(cell.id, 'title')}  {cell.label}"]
    head.append(f"{paint(cell.status.value, cell.status.value)} at step {found.listed['step']} of {cell.steps}")
    head.append(str(found.entry.path))
    plugins = _section("code of one's own", _plugins(found))
    listed = [*_metrics(cell), *_attempts(found.entry), *_events(found.entry), *plugins]
    return [*head, *_cause(found), *listed, *_settings(cell)]


def _plugins(found: Shown) -> list[str]:
    from ablate.store.plugins import told

    protocol = found.cell.result.protocol if found.cell.result else {}
    return told(found.entry.path.parent.parent, [dict(found.cell.config), protocol])


def _section(title: str, lines: list[str]) -> list[str]:
    from ablate.cli.terminal import paint

    return ["", paint(title, "title"), *(f"  {line}" for line in lines)] if lines else []


def _cause(found: Shown) -> list[str]:
    if found.cell.cause is None:
        return []
    why = {Status.diverged: "why it diverged", Status.failed: "why it failed", Status.broken: "why it is broken"}
    why[Status.altered] = "why it is altered"
    lines = _section(why[found.cell.status], [found.cell.cause])
    attempt = found.entry.last_attempt() if found.cell.status is Status.failed else None
    return lines + (_section(f"the end of {attempt.log_path}", attempt.log_tail(LOG_LINES)) if attempt else [])


def _metrics(cell: CellRecord) -> list[str]:
    from ablate.cli.terminal import columns

    if cell.result is None or not cell.result.metrics:
        return []
    averaged, raw = (cell.result.metrics.get(weights, {}) for weights in WEIGHTS)
    rows = [(name, _text(value), _text(raw.get(name))) for name, value in averaged.items()]
    return _section("metrics", columns(("metric", *WEIGHTS), rows))


def _attempts(entry: Entry) -> list[str]:
    import time

    from ablate.cli.terminal import columns, duration

    rows = []
    for attempt in entry.attempts():
        start, ended = attempt.start(), _ended(attempt)
        began = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(start.time)) if start else "–"
        who = f"{start.host} {start.pid}" if start else "–"
        how = (ended.status.value, str(ended.step), duration(ended.seconds)) if ended else ("–", "–", "–")
        rows.append((str(attempt.number), began, who, *how))
    header = ("attempt", "began", "host, process", "ended", "step", "time")
    return _section("attempts", columns(header, rows)) if rows else []


def _events(entry: Entry) -> list[str]:
    return _section("events", [f"step {event.step}: {event.kind}: {event.detail}" for event in entry.events()[-10:]])


def _settings(cell: CellRecord) -> list[str]:
    from ablate.settings import flat

    return _section("settings", [f"{key} = {_text(value)}" for key, value in flat(cell.config).items()])


def _text(value: Any) -> str:
    from ablate.cli.terminal import figure

    if value is None or isinstance(value, float):
        return figure(value)
    if isinstance(value, Mapping) and "name" in value:
        options = ", ".join(f"{key}={_text(option)}" for key, option in value.get("options", {}).items())
        return f"{value['name']}({options})" if options else str(value["name"])
    return str(value)
