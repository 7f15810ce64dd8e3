"""`ablate store ls`, `du`, `gc` and `rm`: how much lies in a results directory, and what may go."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ablate.cli.options import RUNS, AsJson, RunsDir

if TYPE_CHECKING:
    from ablate.store.garbage import Garbage

INCOMPLETE = 3
NAMED_AT_MOST = 20


def ls(as_json: AsJson = False, runs_dir: RunsDir = RUNS) -> None:
    """Lists the grids: cells, size, last run.

    Example: ablate store ls --json
    """
    from ablate.cli.terminal import columns
    from ablate.store.garbage import size
    from ablate.store.layout import Store, named, stores

    names = sorted({store.grid for store in stores(runs_dir)} | set(named(runs_dir)))
    rows = [_listed(Store(runs_dir, name)) | {"bytes": size(runs_dir / name)} for name in names]
    if as_json:
        typer.echo(json.dumps({"grids": rows}, indent=1))
        return
    header = ("grid", "cells", "finished", "beyond the plan", "size", "last run")
    shown = [
        (row["name"], _or_dash(row["cells"]), str(row["finished"]), str(row["beyond"]), in_bytes(row["bytes"]),
         _day(row["last_run"]))
        for row in rows
    ]  # fmt: skip
    typer.echo("\n".join(columns(header, shown)) if rows else f"no grid was run under {runs_dir} yet")
    for row in rows:
        if row["fault"]:
            typer.echo(row["fault"])


def _listed(store: Any) -> dict[str, Any]:
    """Returns how many cells a grid has; of one whose plan cannot be read, those that were begun."""
    from ablate.records import RecordError
    from ablate.store.garbage import planned

    fault, plan, kept = None, None, set()
    try:
        plan = store.plan()
        kept = planned(store, plan) if plan else set()
    except RecordError as error:
        fault = str(error)
    begun = store.cells()
    path = store.path / "plan.json"
    return {
        "name": store.grid,
        "cells": len(plan.points) if plan else None,
        "finished": sum(entry.readable_result() is not None for entry in begun),
        "beyond": sum(entry.path.name not in kept for entry in begun) if plan else 0,
        "last_run": path.stat().st_mtime if path.exists() else None,
        "fault": fault,
    }


def du(
    grid: Annotated[str | None, typer.Argument(metavar="GRID", help="Name of a grid. Default: everything.")] = None,
    as_json: AsJson = False,
    runs_dir: RunsDir = RUNS,
) -> None:
    """Adds up how many bytes each kind of file takes.

    Weights, states of unfinished trainings (checkpoints), reconstructions, tables of figures, telemetry, records, and
    decoded images, which all grids share.

    Example: ablate store du quickstart
    """
    from ablate.cli.terminal import columns
    from ablate.store.parts import KINDS, files, kind_of

    top = runs_dir / grid if grid else runs_dir
    if not top.is_dir():
        raise ValueError(f"there is no {top}; `ablate store ls` names the grids")
    sums: dict[str, dict[str, int]] = {}
    for name, facts in files(top):
        below = f"{grid}/{name}" if grid else name
        part = below.partition("/")[0]
        of_part = sums.setdefault("shared" if part == ".shared" else part, dict.fromkeys(KINDS, 0))
        of_part[kind_of(below)] += facts.st_size
    if as_json:
        typer.echo(json.dumps(sums, indent=1))
        return
    total = {kind: sum(one[kind] for one in sums.values()) for kind in KINDS}
    shown = [kind for kind in KINDS if total[kind]]
    rows = [(name, *(in_bytes(one[kind]) for kind in shown), in_bytes(sum(one.values()))) for name, one in sums.items()]
    rows.append(("together", *(in_bytes(total[kind]) for kind in shown), in_bytes(sum(total.values()))))
    typer.echo("\n".join(columns(("", *shown, "all"), rows)))


def gc(
    delete: Annotated[bool, typer.Option("--delete", help="Delete it. Default: say what would be freed.")] = False,
    as_json: AsJson = False,
    runs_dir: RunsDir = RUNS,
) -> None:
    """Finds what is no longer needed.

    Says what would be freed; changes nothing without --delete.

    Cells that the plan of their grid does not name any more, warm-ups and decoded images that no plan names, states of
    trainings that are finished, and what a killed process left half-written a day ago or earlier. What a process is at
    stays. A finished cell that left its grid is an hour of training, perhaps: look before you delete.

    Example: ablate store gc --delete
    """
    from ablate.store.garbage import find_garbage, remove

    found, notes = find_garbage(runs_dir)
    gone = [each for each in found if remove(each)] if delete else []
    if as_json:
        listed = [{"path": str(each.path), "why": each.why, "bytes": each.bytes} for each in found]
        content = {
            "garbage": listed,
            "bytes": _sum(found),
            "deleted": [str(each.path) for each in gone],
            "notes": notes,
        }
        typer.echo(json.dumps(content, indent=1))
        return
    typer.echo("\n".join([*notes, *_told(found, runs_dir)]))
    if delete:
        typer.echo(f"{in_bytes(_sum(gone))} freed" + (f"; {len(found) - len(gone)} in use" * (len(gone) < len(found))))
    elif found:
        typer.echo(f"{in_bytes(_sum(found))} would be freed; nothing was changed (--delete does it)")


def rm(
    grid: Annotated[str, typer.Argument(metavar="GRID", help="Name of a grid that was run.")],
    cells: Annotated[
        list[str] | None, typer.Argument(metavar="CELL", help="Labels, or beginnings of ids. Default: the whole grid.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    runs_dir: RunsDir = RUNS,
) -> None:
    """Deletes cells, or a whole grid; asks before.

    What it shares with other grids stays until `ablate store gc`. A cell that a process trains or
    measures is not deleted.

    Example: ablate store rm quickstart 3fa9
    """
    from ablate.cli.locate import find_place
    from ablate.cli.terminal import plural
    from ablate.registry.names import unknown
    from ablate.store.garbage import discard, of_cell, remove, size
    from ablate.store.layout import Store, named

    if grid not in (there := named(runs_dir)):
        raise ValueError(f"nothing was deleted: {unknown('grid', grid, list(there))}")
    store = Store(runs_dir, grid)
    entries = [find_place(cell, runs_dir, grid).entry for cell in cells] if cells else store.cells()
    wanted = [of_cell(entry) for entry in dict.fromkeys(entries) if entry.path.is_dir()]
    counted = plural(len(wanted), "cell")
    what = f"{counted} of {grid}" if cells else f"{grid} with {counted} and all else in {store.path}"
    what += f", {in_bytes(_sum(wanted) if cells else size(store.path))}"
    if not yes:
        typer.confirm(f"delete {what}?", abort=True)
    held = [each.path.name for each in wanted if not remove(each)]
    if held:
        typer.echo(f"a process is at {', '.join(held)}: not deleted", err=True)
        raise typer.Exit(INCOMPLETE)
    if not cells:
        discard(store.path)
    typer.echo(f"deleted: {what}")


def in_bytes(count: int) -> str:
    """Returns a number of bytes as a person says it: 512 B, 3.2 MB."""
    value = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"


def _told(found: Iterable[Garbage], root: Path) -> list[str]:
    """Names what was found, by its reason, the largest first."""
    from ablate.cli.terminal import plural

    lines: list[str] = []
    by_reason: dict[str, list[Garbage]] = {}
    for each in found:
        by_reason.setdefault(each.why, []).append(each)
    for why, each_of in by_reason.items():
        lines.append(f"{why}: {plural(len(each_of), 'place')}, {in_bytes(_sum(each_of))}")
        largest = sorted(each_of, key=lambda each: -each.bytes)
        lines += [f"  {in_bytes(one.bytes):>9}  {one.path.relative_to(root)}" for one in largest[:NAMED_AT_MOST]]
        lines += [f"  and {len(largest) - NAMED_AT_MOST} more (--json names them all)"] * (len(largest) > NAMED_AT_MOST)
    return lines or ["nothing to free"]


def _sum(found: Iterable[Garbage]) -> int:
    return sum(each.bytes for each in found)


def _or_dash(value: int | None) -> str:
    return "–" if value is None else str(value)


def _day(seconds: float | None) -> str:
    import time

    return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds)) if seconds is not None else "–"
