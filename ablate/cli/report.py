"""`ablate report`: the comparison as one HTML and one Markdown file."""

from __future__ import annotations

from dataclasses import fields
from typing import Annotated

import typer

from ablate.cli.options import REPORTS, RUNS, ReportsDir, RunsDir


def report(
    grids: Annotated[
        list[str] | None,
        typer.Argument(metavar="GRID...", help="Grid files, or names of grids that were run. Default: the last run."),
    ] = None,
    runs_dir: RunsDir = RUNS,
    reports_dir: ReportsDir = REPORTS,
) -> None:
    """Writes the comparison as HTML and Markdown.

    Effects with their intervals, curves, pictures side by side, and every number in report.json.

    Example: ablate report grid.toml
    """
    from ablate.cli.locate import find_grid
    from ablate.report import write_report

    wanted: list[str] | list[None] = grids or [None]
    for grid in wanted:
        plan, store = find_grid(grid, runs_dir)
        stored = store.plan()
        if stored is None:
            raise ValueError(f"{plan.name} was not run under {runs_dir} yet; `ablate run {grid}` runs it")
        if stored["points"] != plan.content["points"]:
            typer.echo(f"warning: {grid} changed since it was run; the report is of the grid that was run", err=True)
        written = write_report(store, reports_dir / plan.name)
        for field in fields(written):
            typer.echo(str(getattr(written, field.name)))
