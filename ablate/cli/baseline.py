"""`ablate baseline`: takes a baseline from results, or shows one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ablate.cli.check import BaselineFile, BenchRun, GatedGrid, OtherCode, bench_run, measured_record, print_result
from ablate.cli.options import RUNS, AsJson, RunsDir

if TYPE_CHECKING:
    from ablate.check import Baseline

baseline = typer.Typer(
    name="baseline",
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Takes a baseline for `ablate check`, or shows it.\n\n"
    'Example: ablate baseline update grid.toml --baseline reports/baselines/grid.json --reason "first"',
)


@baseline.command()
def update(
    grid: GatedGrid,
    file: BaselineFile,
    reason: Annotated[
        str, typer.Option("--reason", "-m", metavar="TEXT", help="Why; it is kept in the file's history.")
    ],
    mode: Annotated[
        str | None,
        typer.Option(
            "--mode",
            metavar="exact|stat",
            help="Repeat every value (CPU), or compare means over seeds. Default: as before; exact on a CPU.",
        ),
    ] = None,
    alike: Annotated[
        list[Path] | None,
        typer.Option(
            "--alike",
            metavar="DIR",
            help="A runs directory of the same grid and code on another machine or instruction set: exact margins are "
            "measured from how far such runs differ. May be repeated.",
        ),
    ] = None,
    bench: BenchRun = None,
    allow_other_code: OtherCode = False,
    runs_dir: RunsDir = RUNS,
) -> None:
    """Makes the results of a grid the baseline.

    Every cell must have ended. What changes against the file as it stands is shown.

    Example: ablate baseline update grid.toml --baseline reports/baselines/grid.json --reason "hinge margin was 2"
    """
    from ablate.check import check, read_baseline, write_baseline
    from ablate.check.baseline import updating
    from ablate.check.update import updated
    from ablate.cli.locate import find_grid

    if mode not in (None, "exact", "stat"):
        raise ValueError(f"unknown --mode {mode!r} (there is: exact, stat)")
    compare = find_grid(grid, runs_dir)[0].record.compare
    record = measured_record(grid, runs_dir, allow_other_code)
    others = [measured_record(grid, directory, allow_other_code, record.probe) for directory in alike or ()]
    run = bench_run(bench)
    with updating(file) as target:
        previous = read_baseline(target) if target.exists() else None
        new = updated(
            record,
            reason=reason,
            mode=mode,  # type: ignore[arg-type]
            previous=previous,
            alike=others,
            declared=compare.margin,
            alpha=compare.alpha,
            bench=run,
        )
        write_baseline(target, new)
    if previous is not None:
        typer.echo("against the baseline so far:")
        print_result(check(previous, record, run), strict=False, show_all=False, advice=())
    typer.echo("\n".join(["", *_lines(new), f"wrote {file}"]))


@baseline.command()
def show(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A baseline.")],
    as_json: AsJson = False,
) -> None:
    """Shows what a baseline holds.

    Margins with their causes, arms, and the file's history.

    Example: ablate baseline show reports/baselines/grid.json
    """
    from ablate.check import read_baseline

    known = read_baseline(file)
    typer.echo(known.model_dump_json(indent=1) if as_json else "\n".join(_lines(known)))


def _lines(known: Baseline) -> list[str]:
    from ablate.cli.terminal import columns, paint, plural

    record = known.record
    made = ", ".join(f"{key} {value}" for key, value in record.made.items())
    margins = [
        (name, one.direction, f"{_margin(one.margin)} {one.unit}".strip(), one.cause)
        for name, one in known.metrics.items()
    ]
    arms = [(name, ", ".join(map(str, arm.cells)), *_means(known, name)) for name, arm in record.arms.items()]
    return [
        f"{paint(record.grid, 'title')}: {plural(len(arms), 'arm')}, mode {known.mode}",
        f"made by {made}",
        "",
        *columns(("metric", "better", "margin", "cause"), margins),
        "",
        *columns(("arm", "seeds", *known.metrics), arms),
        *_kernels(known),
        "",
        *(
            f"{change.date}  {change.reason}" + (f"  ({change.git[:12]})" if change.git else "")
            for change in known.history
        ),
    ]


def _kernels(known: Baseline) -> list[str]:
    from ablate.check.kernels import kept_ratios
    from ablate.cli.terminal import columns

    if known.kernels is None:
        return []
    return ["", *columns(("kernel", "backend", "times as fast as eager"), kept_ratios(known.kernels))]


def _margin(margin: float | str) -> str:
    return margin if isinstance(margin, str) else f"{margin:g}"


def _means(known: Baseline, arm: str) -> list[str]:
    from ablate.cli.terminal import figure

    cells = known.record.arms[arm].cells.values()
    means = []
    for metric in known.metrics:
        values = [value for cell in cells if (value := cell.values.get(metric)) is not None]
        means.append(figure(sum(values) / len(values) if values else None))
    return means
