"""`ablate measure`: figures of finished cells, made without training, and of any codec's folders."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from ablate.cli.options import RUNS, AsJson, Device, Force, RunsDir, Select, Shard, Threads, Workers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ablate.execute import Job, Plan
    from ablate.execute.jobs import Wanted
    from ablate.records import Execution, MeasurementSettings
    from ablate.store import Store


def measure(
    grid: Annotated[
        str | None,
        typer.Argument(metavar="GRID", help="A grid file. With folders: whose protocol counts. Default: a preset's."),
    ] = None,
    metric: Annotated[
        list[str], typer.Option("--metric", "-m", metavar="NAME", help="Only this one, in the grid or not. Repeatable.")
    ] = [],  # noqa: B006 - typer copies it
    images: Annotated[
        list[str], typer.Option("--set", "-s", metavar="NAME", help="Only on this set of images. Repeatable.")
    ] = [],  # noqa: B006
    workers: Workers = None,
    threads: Threads = None,
    device: Device = None,
    select: Select = None,
    shard: Shard = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be measured; change nothing.")] = False,
    as_json: AsJson = False,
    progress: Annotated[bool, typer.Option(help="Show a live table; else a line for each thing that happens.")] = True,
    originals: Annotated[
        Path | None, typer.Option("--originals", metavar="DIR", help="Images that were coded, searched recursively.")
    ] = None,
    reconstructions: Annotated[
        Path | None, typer.Option("--reconstructions", metavar="DIR", help="What a codec made of them, named alike.")
    ] = None,
    files: Annotated[
        Path | None, typer.Option("--files", metavar="DIR", help="The coded files, named alike: their bytes count.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="DIR", help="For records of folders. Default: in --runs-dir.")
    ] = None,
    on_bad_image: Annotated[
        Literal["error", "skip"], typer.Option("--on-bad-image", help="What to do about originals that cannot be used.")
    ] = "error",
    force: Force = False,
    runs_dir: RunsDir = RUNS,
) -> None:
    """Measures what finished cells lack, or folders of any codec.

    Metrics and sets of images that were added to base.evaluation since, from the weights that the cells left: nothing
    is trained. What is there is not made again; after a kill it goes on where it was. --json lists what would be done.
    Reconstructions, tables and measurements that are altered or lost are made anew; telemetry and logs cannot be.

    With --originals and --reconstructions: files of these folders, matched by name, whatever the ending; the same
    records are written as by `ablate eval`. Bits come from --files alone.

    Example: ablate measure grid.toml --metric lpips_alex --set kodak

    Example: ablate measure --originals kodak --reconstructions bpg/decoded --files bpg/files
    """
    if grid is None or originals or reconstructions:
        from ablate.cli.measure_folders import evaluation_of, measure_given

        if originals is None or reconstructions is None:
            raise ValueError("--originals and --reconstructions say what is to be measured, or a grid file does")
        measure_given(
            evaluation_of(grid, runs_dir),
            originals,
            reconstructions,
            files,
            out=out,
            skip=on_bad_image == "skip",
            device="cuda" if device == "cuda" else "cpu",
            force=force,
            as_json=as_json,
            runs_dir=runs_dir,
        )
        return
    import json

    from ablate.cli.cells import INCOMPLETE
    from ablate.cli.repair import listed_repairs, repair_all, told_repairs
    from ablate.cli.select import chosen_cells
    from ablate.execute import chosen, load_plan
    from ablate.execute.measuring import Wish, measurements
    from ablate.execute.repair import repairs
    from ablate.metrics.catalogue import metrics
    from ablate.store import Store

    wish = Wish(tuple(metrics[name].name for name in metric), tuple(images))
    plan = load_plan(Path(grid), runs_dir, remember=not (dry_run or as_json))
    store = Store(runs_dir, plan.name)
    wanted = chosen_cells(plan, select, shard)
    damaged = repairs(plan, store, wanted)
    if as_json or dry_run:
        todo = measurements(plan, store, wish=wish, wanted=wanted)
        content = {"name": plan.name, "measurements": listed(todo), "repairs": listed_repairs(damaged)}
        lines = [*told_repairs(damaged), *told(todo), "nothing was changed"]
        typer.echo(json.dumps(content, indent=1) if as_json else "\n".join(lines))
        return
    execution = chosen(plan.record.execution, device=device, workers=workers, threads=threads)
    again, lost = repair_all(damaged, store, "cuda" if execution.device == "cuda" else "cpu")
    code = measure_all(plan, store, again, execution, live=progress) if again else 0
    todo = measurements(plan, store, wish=wish, wanted=wanted)
    code = max(code, measure_all(plan, store, todo, execution, live=progress))
    raise typer.Exit(INCOMPLETE if lost and not code else code)


def measure_all(plan: Plan, store: Store, todo: Sequence[Job], execution: Execution, *, live: bool) -> int:
    """Measures, shows how far it is, and returns the exit code of a run."""
    from ablate.cli.progress import watching
    from ablate.execute import Limits
    from ablate.execute import run as execute

    with watching(store, live=live) as listener:
        for line in told(todo):
            listener.on_message(line)
        limits = Limits.of_budget(plan.record.budget)
        return execute(plan, store, execution=execution, limits=limits, listener=listener, todo=todo)


def measure_declared(
    plan: Plan, store: Store, execution: Execution, *, wanted: Wanted, live: bool
) -> int:  # fmt: skip
    """Measures what the grid file asks for beside what a training measures: sets of images, metrics by name."""
    from ablate.execute.measuring import Wish, measurements

    todo = measurements(plan, store, wish=Wish(declared=True), wanted=wanted)
    return measure_all(plan, store, todo, execution, live=live) if todo else 0


def settings_of(job: Job) -> MeasurementSettings:
    """Returns what a measurement measures."""
    from ablate.records import MeasurementSettings

    assert isinstance(job.settings, MeasurementSettings), "it is no training"
    return job.settings


def listed(todo: Sequence[Job]) -> list[dict[str, Any]]:
    """Returns measurements as plain data."""
    return [
        {"id": job.id, "cell": one.of, "label": job.label, "set": one.images, "metrics": list(one.metrics)}
        for job in todo
        for one in [settings_of(job)]
    ]


def told(todo: Sequence[Job]) -> list[str]:
    """Says what is measured, of how many cells: a line for each set of images and metrics."""
    from ablate.cli.terminal import plural

    alike: dict[tuple[str, tuple[str, ...]], int] = {}
    for job in todo:
        one = settings_of(job)
        alike[one.images, one.metrics] = alike.get((one.images, one.metrics), 0) + 1
    return [
        f"{plural(count, 'finished cell')} to be measured on {images}: {', '.join(names)}"
        for (images, names), count in alike.items()
    ]
