"""`ablate track`: tells a tracker of trainings that are over, or that began without it."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ablate.cli.options import RUNS, GridName, RunsDir, Select

if TYPE_CHECKING:
    from ablate.terms import Term


def track(
    grid: GridName = None,
    to: Annotated[
        list[str],
        typer.Option("--to", metavar="NAME", help="A tracker, with options 'wandb project=losses'. Repeatable."),
    ] = [],  # noqa: B006 - typer copies it
    select: Select = None,
    runs_dir: RunsDir = RUNS,
) -> None:
    """Tells trackers of the cells of a grid that were trained.

    Settings, what was logged, reconstructions of test images and final figures; a cell is the run that it was while it
    trained, and what the tracker has of it already is not told again. Cells under way are left out: `ablate run
    --track` follows these. Exit code 3 where a tracker could not take one.

    Example: ablate track grid.toml --to tensorboard --to 'mlflow uri=http://localhost:5000'
    """
    from ablate.cli.cells import INCOMPLETE
    from ablate.cli.locate import find_grid
    from ablate.cli.select import chosen_cells
    from ablate.cli.terminal import plural
    from ablate.records import RecordError
    from ablate.trackers.catalogue import require_trackers
    from ablate.trackers.retold import retell

    plan, store = find_grid(grid, runs_dir)
    terms = tracker_terms(to)
    if not terms:
        raise ValueError("--to names a tracker: tensorboard, mlflow, wandb, trackio or csv")
    require_trackers(terms)
    wanted = chosen_cells(plan, select)
    ended = [cell for cell in store.cell_records(plan.record) if wanted(cell) and cell.status.finished]
    failed = False
    for term in terms:
        told = 0
        for cell in ended:
            try:
                retell(store.cell(cell.id), term)
                told += 1
            except (RecordError, KeyboardInterrupt):
                raise
            except Exception as error:  # noqa: BLE001 - whatever a tracker does, the others are told
                failed = True
                typer.echo(f"{term.name} could not take {cell.label}: {type(error).__name__}: {error}", err=True)
        typer.echo(f"{term.name}: {plural(told, 'cell')} of {len(plan.points)}")
    if failed:
        raise typer.Exit(INCOMPLETE)


def tracker_terms(texts: Iterable[str]) -> tuple[Term, ...]:
    """Returns the trackers that a command line names, NAME [OPTION=VALUE]... each.

    Raises:
        ValueError: for one that there is not, an option that it does not have, or a value of another type.
    """
    from ablate.records.declared import each_once

    return each_once(tuple(_term(text) for text in texts))


def _term(text: str) -> Term:
    from ablate.registry import unknown
    from ablate.terms import Term
    from ablate.trackers.catalogue import trackers

    name, *given = shlex.split(text) or [""]
    entry = trackers[name]
    options: dict[str, Any] = {}
    for each in given:
        option, sign, value = each.partition("=")
        if not sign:
            raise ValueError(f"{text!r}: {each!r} is no option of a tracker, OPTION=VALUE is")
        if option not in entry.options:
            raise ValueError(unknown(f"option of {name}", option, list(entry.options)))
        options[option] = _typed(value, type(entry.options[option].default), f"{name} {option}")
    return Term(name=name, options=entry.resolve(options))


def _typed(value: str, kind: type, what: str) -> Any:
    if kind is bool and value in ("true", "false"):
        return value == "true"
    if kind in (int, float):
        try:
            return kind(value)
        except ValueError:
            pass
    elif kind is not bool:
        return value
    raise ValueError(f"{what} = {value!r} is no {kind.__name__}")
