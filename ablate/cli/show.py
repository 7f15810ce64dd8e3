"""`ablate show`: the numbers of a grid, or everything about one cell."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ablate.cli.options import RUNS, AsJson, RunsDir

if TYPE_CHECKING:
    from ablate.cli.standing import Standing
    from ablate.records import Record

LOG_LINES = 15
METRICS = (("psnr", 2), ("ms_ssim", 4), ("bpp_actual", 4), ("fd_lite0_112", 3))


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
    from ablate.cli.locate import find_cell, find_grid
    from ablate.cli.standing import standing, standings

    plan, store = find_grid(grid, runs_dir)
    if cell is None:
        cells = standings(plan, store)
        plain = [one.as_json() | {"result": _plain(one.entry.result())} for one in cells]
        typer.echo(json.dumps({"name": plan.name, "cells": plain}, indent=1) if as_json else _table(cells))
        return
    found = standing(find_cell(plan, cell), store)
    typer.echo(json.dumps(_content(found), indent=1) if as_json else "\n".join(_lines(found)))


def _table(cells: list[Standing]) -> str:
    from ablate.cli.terminal import columns, duration, number

    rows = []
    for one in cells:
        result = one.entry.result()
        if result is None:
            continue
        averaged = result["metrics"].get("ema", {})
        numbers = [number(averaged.get(name), digits) for name, digits in METRICS]
        rows.append((one.point.id, one.status.value, *numbers, duration(result["seconds"]), one.point.label))
    if not rows:
        return "no cell is finished yet"
    header = ("cell", "status", *(name for name, _ in METRICS), "time", "label")
    return "\n".join([*columns(header, rows, status_column=1), "", "metrics of the averaged weights (ema)"])


def _content(found: Standing) -> dict[str, Any]:
    attempts = [
        {
            "number": one.number,
            "start": _plain(one.start()) or {},
            "exit": _plain(one.exit()),
            "environment": one.environment().plain(),
        }
        for one in found.entry.attempts()
    ]
    return found.as_json() | {
        "path": str(found.entry.path),
        "settings": dict(found.point.cell),
        "attempts": attempts,
        "events": [event.plain() for event in found.entry.events()],
        "result": _plain(found.entry.result()),
    }


def _plain(record: Record | None) -> dict[str, Any] | None:
    return record.plain() if record else None


def _lines(found: Standing) -> list[str]:
    from ablate.cli.terminal import paint

    head = [f"{paint(found.point.id, 'title')}  {found.point.label}"]
    head.append(f"{paint(found.status.value, found.status.value)} at step {found.step} of {found.point.steps}")
    head.append(str(found.entry.path))
    return head + _cause(found) + _metrics(found) + _attempts(found) + _events(found) + _settings(found)


def _section(title: str, lines: list[str]) -> list[str]:
    from ablate.cli.terminal import paint

    return ["", paint(title, "title"), *(f"  {line}" for line in lines)] if lines else []


def _cause(found: Standing) -> list[str]:
    result, attempt = found.entry.result(), found.entry.last_attempt()
    if result is not None:
        return _section("why it diverged", [result["cause"]]) if result.get("cause") else []
    ended = attempt.exit() if attempt else None
    if attempt is None or ended is None or ended["status"] != "failed":
        return []
    log = attempt.log_tail(LOG_LINES)
    return [
        *_section("why it failed", [str(ended["error"])]),
        *_section(f"the end of {attempt.log_path}", log),
    ]


def _metrics(found: Standing) -> list[str]:
    from ablate.cli.terminal import columns

    result = found.entry.result()
    if result is None or not result["metrics"]:
        return []
    averaged, raw = result["metrics"]["ema"], result["metrics"]["raw"]
    rows = [(name, _text(value), _text(raw.get(name))) for name, value in averaged.items()]
    return _section("metrics", columns(("metric", "ema", "raw"), rows))


def _attempts(found: Standing) -> list[str]:
    import time

    from ablate.cli.terminal import columns, duration

    rows = []
    for attempt in found.entry.attempts():
        start, ended = attempt.start(), attempt.exit()
        began = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(start["time"])) if start else "–"
        who = f"{start['host']} {start['pid']}" if start else "–"
        how = (ended["status"], str(ended["step"]), duration(ended["seconds"])) if ended else ("–", "–", "–")
        rows.append((str(attempt.number), began, who, *how))
    header = ("attempt", "began", "host, process", "ended", "step", "time")
    return _section("attempts", columns(header, rows)) if rows else []


def _events(found: Standing) -> list[str]:
    events = found.entry.events()
    return _section("events", [f"step {event['step']}: {event['kind']}: {event['detail']}" for event in events[-10:]])


def _settings(found: Standing) -> list[str]:
    from ablate.settings import flat

    return _section("settings", [f"{key} = {_text(value)}" for key, value in flat(found.point.cell).items()])


def _text(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, Mapping) and "name" in value:
        options = ", ".join(f"{key}={_text(option)}" for key, option in value.get("options", {}).items())
        return f"{value['name']}({options})" if options else str(value["name"])
    return str(value)
