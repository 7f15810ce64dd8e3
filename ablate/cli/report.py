"""`ablate report`: the comparison as one HTML and one Markdown file."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from ablate.cli.options import REPORTS, RUNS, ReportsDir, RunsDir

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ablate.store import Store

REFRESH_SECONDS = 10
"""Between two versions of a page that is watched."""


def report(
    grids: Annotated[
        list[str] | None,
        typer.Argument(metavar="GRID", help="Grid files, or names of grids that were run. Default: the last run."),
    ] = None,
    latex: Annotated[bool, typer.Option("--latex", help="Write every table as LaTeX, too, under tables/.")] = False,
    csv: Annotated[bool, typer.Option("--csv", help="Write every table as CSV, too, under tables/.")] = False,
    figures: Annotated[
        Literal["pdf", "svg", "png"] | None,
        typer.Option("--figures", help="Write every figure for a paper, too: as wide as a page and as a column."),
    ] = None,
    watch: Annotated[
        bool, typer.Option("--watch", help="Write it anew while the grid runs, until it is over or Ctrl-C.")
    ] = False,
    compare_by_eye: Annotated[
        bool,
        typer.Option("--compare-by-eye", help="Write a page, too, where people judge pairs of reconstructions."),
    ] = False,
    judgements: Annotated[
        list[Path], typer.Option("--judgements", metavar="FILE", help="Take up what that page saved. Repeatable.")
    ] = [],  # noqa: B006 - typer copies it
    allow_mixed_code: Annotated[
        bool, typer.Option("--allow-mixed-code", help="Compare grids that ran with different code.")
    ] = False,
    runs_dir: RunsDir = RUNS,
    reports_dir: ReportsDir = REPORTS,
) -> None:
    """Writes the comparison as HTML and Markdown.

    Effects with their intervals, curves, images side by side, and every number in report.json. Several grids are
    compared in one report, where they share data, measuring protocol and code. Exit code 3 where the records of a cell
    cannot be read, or a file of one is not as it was sealed. With --watch the page shows progress, curves and images so
    far, and loads itself anew; verdicts come once every seed is there.

    Example: ablate report grid.toml --latex --figures pdf

    Example: ablate report grid.toml --compare-by-eye
    """
    from ablate.cli.cells import INCOMPLETE
    from ablate.cli.locate import find_grid
    from ablate.cli.terminal import command, plural
    from ablate.report import write_report

    # The store of each grid, which must have been run.
    wanted: list[str] | list[None] = grids or [None]
    stores = []
    for grid in wanted:
        plan, store = find_grid(grid, runs_dir)
        stored = store.plan()
        if stored is None:
            raise ValueError(
                f"{plan.name} was not run under {runs_dir} yet; `{command('run', str(grid), runs=runs_dir)}` runs it"
            )
        if stored.points != plan.points:
            typer.echo(f"warning: {grid} changed since it was run; the report is of the grid that was run", err=True)
        if stored.references != plan.record.references:
            known = command("references", str(grid), runs=runs_dir)
            typer.echo(f"warning: {grid} names other references now; `{known}` takes them up", err=True)
        stores.append(store)
    # Files beside one another, under the grids' names.
    formats = [ending for ending, asked in (("csv", csv), ("tex", latex)) if asked]
    out = reports_dir / "+".join(store.grid for store in stores)
    if watch and not _watched(stores, out, allow_mixed_code):
        return
    written = write_report(
        stores, out, formats, figures=figures, judgements=judgements, compare_by_eye=compare_by_eye,
        allow_mixed_code=allow_mixed_code,
    )  # fmt: skip
    for path in (written.html, written.markdown, written.json, *([written.by_eye] if written.by_eye else [])):
        typer.echo(str(path))
    if written.tables:
        typer.echo(f"{written.tables[0].parent} ({len(written.tables)} tables)")
    if written.figures:
        typer.echo(f"{written.figures[0].parent} ({plural(len(written.figures), 'figure')} for a paper)")
    if written.broken:
        typer.echo(
            f"{plural(written.broken, 'cell')} left out, whose records cannot be read: the report says what to do",
            err=True,
        )
    if written.altered:
        said = f"{plural(written.altered, 'cell or warm-up', 'cells or warm-ups')} altered since they were finished"
        typer.echo(f"{said}, and left out: the report names the files; ablate store verify looks at all", err=True)
    if written.broken or written.altered:
        raise typer.Exit(INCOMPLETE)


def _watched(stores: Sequence[Store], out: Path, allow_mixed_code: bool) -> bool:
    """Writes the page anew whenever something changed; returns whether the grids are over, false after Ctrl-C."""
    from ablate.cli.terminal import plural
    from ablate.cli.watch import follow
    from ablate.report.live import all_over, seen_of, write_live

    ended: list[bool] = []
    told: list[object] = []

    def turn() -> bool:
        seen = seen_of(stores)
        if all_over(seen):
            ended.append(True)
            return True
        now = [(name, each.cells, each.running) for name, each in seen]
        if now not in told:
            report = write_live(stores, out, seen, REFRESH_SECONDS, allow_mixed_code=allow_mixed_code)
            if not told:
                typer.echo(f"{report.html}: written anew every {REFRESH_SECONDS} s while the grid runs; Ctrl-C ends it")
            told[:] = [now]
            done = sum(count for _, each in seen for status, count in each.cells.items() if status.finished)
            running = sum(len(each.running) for _, each in seen)
            typer.echo(f"{time.strftime('%H:%M:%S')}  {plural(done, 'cell')} finished, {running} under way")
        return False

    follow(turn, REFRESH_SECONDS)
    return bool(ended)
