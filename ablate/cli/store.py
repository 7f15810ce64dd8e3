"""`ablate store`: what lies in a results directory."""

from __future__ import annotations

import json
import sys
import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ablate.cli.options import RUNS, AsJson, RunsDir
from ablate.cli.store_exchange import archive, import_, merge
from ablate.cli.store_upkeep import du, gc, ls, rm

if TYPE_CHECKING:
    from ablate.store.verify import Verified

store = typer.Typer(
    name="store",
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Looks after a results directory.\n\nExample: ablate store verify",
)
INCOMPLETE = 3
TOLD_SECONDS = 0.5


@store.command()
def verify(
    grid: Annotated[
        str | None,
        typer.Argument(metavar="GRID", help="A grid file, or the name of a grid that was run. Default: everything."),
    ] = None,
    as_json: AsJson = False,
    runs_dir: RunsDir = RUNS,
) -> None:
    """Compares every file with its seal.

    A finished cell, warm-up or measurement holds the sha256 of all its files, and its record one of itself. What was
    edited, cut, lost or copied from another cell is named, with what can be done about it; exit code 3 then. Results
    of before there were seals are counted, and not judged. A seal tells accidents and careless editing: who means to
    deceive can seal again.

    Example: ablate store verify quickstart --json
    """
    from ablate.cli.locate import find_grid
    from ablate.store.verify import targets
    from ablate.store.verify import verify as look

    wanted = targets(runs_dir, find_grid(grid, runs_dir)[1].grid if grid else None)
    total = sum(target.bytes for target in wanted)
    found: list[Verified] = []
    began = told = time.monotonic()
    for each in look(runs_dir, wanted):
        found.append(each)
        if sys.stderr.isatty() and time.monotonic() - told > TOLD_SECONDS:
            told = time.monotonic()
            _tell(len(found), len(wanted), sum(one.found.bytes for one in found), total, told - began)
    if sys.stderr.isatty():
        typer.echo("\r\x1b[K", err=True, nl=False)
    typer.echo(json.dumps(_content(found), indent=1) if as_json else "\n".join(_lines(found)))
    if any(each.found.damages for each in found):
        raise typer.Exit(INCOMPLETE)


def _tell(done: int, count: int, hashed: int, total: int, seconds: float) -> None:
    """Says on one line of the terminal how far it is."""
    from ablate.cli.terminal import duration

    left = f", about {duration(seconds * (total - hashed) / hashed)} left" if 0 < hashed < total else ""
    typer.echo(f"\r\x1b[K{done}/{count} directories, {hashed / 1e6:,.0f} MB{left}", err=True, nl=False)


def _content(found: list[Verified]) -> dict[str, Any]:
    return {
        "directories": len(found),
        "files": sum(each.found.files for each in found),
        "bytes": sum(each.found.bytes for each in found),
        "unsealed": [each.target.name for each in found if each.found.unsealed],
        "damages": [
            {
                "of": each.target.name, "path": str(damage.path), "kind": damage.kind.value, "detail": damage.detail,
                "remedy": damage.remedy,
            }
            for each in found
            for damage in each.found.damages
        ],
    }  # fmt: skip


def _lines(found: list[Verified]) -> list[str]:
    from ablate.cli.terminal import paint, plural

    content = _content(found)
    damages = [damage for each in found for damage in each.found.damages]
    lines = []
    for damage in damages:
        lines += [f"{paint(damage.kind.value, 'altered')}: {damage.path}", f"  {damage.detail}", f"  {damage.remedy}"]
    places = plural(len(found), "directory", "directories")
    looked = f"{plural(content['files'], 'file')} in {places}, {content['bytes'] / 1e6:,.1f} MB"
    lines.append(f"{looked}: {plural(len(damages), 'file')} not as sealed" if damages else f"{looked}: all as sealed")
    if content["unsealed"]:
        count = plural(len(content["unsealed"]), "record")
        lines.append(f"{count} of before there were seals, which nothing can be said of")
    return lines


for command in (ls, du, gc, rm, archive, merge):
    store.command()(command)
store.command("import")(import_)
STORE_COMMANDS = ("verify", "ls", "du", "gc", "rm", "archive", "merge", "import")
