"""`ablate check`: whether results are still what a committed baseline says."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ablate.cli.options import RUNS, AsJson, RunsDir

if TYPE_CHECKING:
    from ablate.check import GateResult, GridRecord

GatedGrid = Annotated[str, typer.Argument(metavar="GRID", help="A grid file, or the name of a grid that was run.")]
BaselineFile = Annotated[Path, typer.Option("--baseline", "-b", metavar="FILE", help="The committed baseline file.")]
BenchRun = Annotated[
    Path | None,
    typer.Option("--bench", metavar="RUN", help="A run of `ablate bench --json`, for the ratios of loss kernels."),
]
OtherCode = Annotated[bool, typer.Option("--allow-other-code", help="Take results that other code than this one made.")]


def check(
    grid: GatedGrid,
    baseline: BaselineFile,
    strict: Annotated[bool, typer.Option("--strict", help="Do not pass what is inconclusive (exit code 4).")] = False,
    show_all: Annotated[bool, typer.Option("--all", help="List every finding, however many passed.")] = False,
    junit: Annotated[
        Path | None, typer.Option("--junit", metavar="FILE", help="Write the findings as JUnit test cases.")
    ] = None,
    md: Annotated[Path | None, typer.Option("--md", metavar="FILE", help="Write them as Markdown.")] = None,
    github: Annotated[
        bool, typer.Option("--github", help="Annotate in GitHub Actions, and add to the step's summary.")
    ] = False,
    as_json: AsJson = False,
    bench: BenchRun = None,
    allow_other_code: OtherCode = False,
    runs_dir: RunsDir = RUNS,
) -> None:
    """Compares results with a committed baseline, for CI.

    Each arm and metric passes, improved, regressed, or is inconclusive, missing or not comparable. Exit codes: 0 all
    passed, 1 something regressed (or moved at all, where the baseline's mode is exact), 3 something is missing or
    cannot be compared, 4 inconclusive under --strict. Results of other code than this are not compared: run the grid
    into a fresh --runs-dir.

    Example: ablate check grid.toml --baseline reports/baselines/grid.json --junit gate.xml
    """
    from ablate.check import IncomparableError, read_baseline
    from ablate.check import check as compare
    from ablate.check.gate import incomparable
    from ablate.check.wording import advice
    from ablate.cli.locate import find_grid

    if as_json and github:
        raise ValueError("--json and --github both write to the terminal; give one of them")
    try:
        known = read_baseline(baseline)
    except IncomparableError as error:
        result = incomparable(find_grid(grid, runs_dir)[0].name, error)
    else:
        found = measured_record(grid, runs_dir, allow_other_code)
        if known.record.grid != found.grid:
            raise ValueError(f"{baseline} is of the grid {known.record.grid}, not of {found.grid}")
        result = compare(known, found, bench_run(bench))
    said = advice(result, grid, str(baseline))
    _write_files(result, strict, said, junit, md)
    if as_json:
        typer.echo(json.dumps(_content(result, strict), indent=1))
    else:
        print_result(result, strict, show_all, said)
    if github:
        _github(result, strict, baseline, said)
    raise typer.Exit(result.exit_code(strict))


def measured_record(
    grid: str, runs_dir: Path, allow_other_code: bool, probe: Mapping[str, float | None] | None = None
) -> GridRecord:
    """Reads what the grid came to, with what its metrics give today where `probe` does not tell."""
    from ablate.check import measure, record
    from ablate.cli.locate import find_grid
    from ablate.execute.environment import code_fingerprint

    plan, store = find_grid(grid, runs_dir)
    today = measure(plan.points[0].cell["evaluation"]) if probe is None else probe
    return record(plan, store, code=None if allow_other_code else code_fingerprint(), probe=today)


def bench_run(path: Path | None) -> dict[str, Any] | None:
    """Reads a run of `ablate bench`, where one is given."""
    if path is None:
        return None
    from ablate.bench.record import read

    return read(path)


def print_result(result: GateResult, strict: bool, show_all: bool, advice: tuple[str, ...]) -> None:
    """Prints the table and what stands under it."""
    from ablate.check.terminal import HEADER, last_lines, rows
    from ablate.cli.terminal import columns

    shown = rows(result, show_all)
    if shown:
        typer.echo("\n".join(columns(HEADER, shown, status_column=0)) + "\n")
    typer.echo("\n".join(last_lines(result, strict, advice)))


def _write_files(
    result: GateResult, strict: bool, advice: tuple[str, ...], junit_file: Path | None, markdown_file: Path | None
) -> None:
    from ablate.atomic import write_bytes
    from ablate.check.junit import junit
    from ablate.check.markdown import markdown

    if junit_file is not None:
        write_bytes(junit_file, junit(result, strict))
    if markdown_file is not None:
        write_bytes(markdown_file, markdown(result, strict, advice).encode())


def _github(result: GateResult, strict: bool, baseline: Path, advice: tuple[str, ...]) -> None:
    from ablate.check.github import append_summary, commands

    typer.echo("\n".join(commands(result, strict, baseline)))
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    if summary:
        append_summary(Path(summary), result, strict, advice)
    else:
        typer.echo("no summary: GITHUB_STEP_SUMMARY is not set, so this is no step of GitHub Actions", err=True)


def _content(result: GateResult, strict: bool) -> dict[str, object]:
    code = result.exit_code(strict)
    head = {"schema": 1, "grid": result.grid, "mode": result.mode, "exit_code": code, "counts": result.counted()}
    return head | {"findings": [asdict(each) for each in result.findings], "notes": list(result.notes)}
