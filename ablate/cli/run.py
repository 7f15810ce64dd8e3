"""`ablate run`: trains what is unfinished."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ablate.cli.options import (
    RUNS,
    Address,
    Device,
    Executor,
    GpusPerTask,
    GridFile,
    Kernels,
    Partition,
    Retries,
    RunsDir,
    Sbatch,
    Select,
    Shard,
    Threads,
    Time,
    Track,
    Workers,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ablate.execute import Job, Plan
    from ablate.execute.jobs import Wanted
    from ablate.store import Store
    from ablate.terms import Term


def run(
    grid: GridFile,
    workers: Workers = None,
    threads: Threads = None,
    device: Device = None,
    kernels: Kernels = None,
    limit: Annotated[
        int | None, typer.Option("--limit", min=1, metavar="N", help="Run at most N of the unfinished cells.")
    ] = None,
    select: Select = None,
    shard: Shard = None,
    executor: Executor = None,
    address: Address = None,
    retries: Retries = None,
    partition: Partition = None,
    time_limit: Time = None,
    gpus_per_task: GpusPerTask = None,
    sbatch: Sbatch = [],  # noqa: B006 - typer copies it
    track: Track = [],  # noqa: B006 - typer copies it
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would run, and change nothing.")] = False,
    wait: Annotated[
        bool, typer.Option(help="Wait for cells that another process is running; else end with exit code 75.")
    ] = True,
    progress: Annotated[bool, typer.Option(help="Show a live table; else a line for each thing that happens.")] = True,
    references: Annotated[
        bool, typer.Option("--references/--no-references", help="At the end measure other codecs for the report.")
    ] = True,
    runs_dir: RunsDir = RUNS,
) -> None:
    """Trains every cell that is not finished.

    Each goes on where it stopped. Finished cells are never run again: add values to the grid, and only what is new is
    run. Ctrl-C, SIGTERM, a closed terminal: every cell saves its state. A second Ctrl-C, two seconds later or more,
    stops at once. Several runs at once share the work; machines without a file system in common take a --shard each,
    and `ablate store merge` joins what they made. --executor takes a cluster: docs/cluster.md.

    Example: ablate run grid.toml -k 'hinge and seed=0'
    """
    from ablate.cli.select import chosen_cells
    from ablate.cli.track import tracker_terms
    from ablate.execute import INCOMPLETE, OK, Limits, chosen, get_ready, load_plan
    from ablate.execute import run as execute
    from ablate.store import Store

    def ready() -> None:
        if executor in (None, "local"):
            get_ready(trackers=[name.split()[0] for name in track if name.strip()])

    plan = load_plan(grid, runs_dir) if dry_run else load_plan(grid, runs_dir, remember=True, meanwhile=ready)
    wanted = chosen_cells(plan, select, shard)
    store = Store(runs_dir, plan.name)
    if dry_run:
        _print_todo(plan, store, wanted, limit)
        return
    execution = chosen(
        plan.record.execution,
        device=device,
        workers=workers,
        threads=threads,
        kernels=kernels,
        executor=executor,
        address=address,
        retries=retries,
        partition=partition,
        time=time_limit,
        gpus_per_task=gpus_per_task,
        sbatch=plan.record.execution.sbatch | _pairs(sbatch) if sbatch else None,
        trackers=_joined(plan.record.execution.trackers, tracker_terms(track)),
    )

    import time

    from ablate.cli.measure import measure_all, measure_declared
    from ablate.cli.progress import watching
    from ablate.cli.terminal import plural
    from ablate.execute.stages import run_stages

    if shard and plan.record.tune is not None:
        raise ValueError("--shard: a grid that tunes chooses by the results of all its trials; run it on one store")
    if shard:
        typer.echo(f"shard {shard}: {sum(map(wanted, plan.points))} of {plural(len(plan.points), 'cell')}")
    limits, began = Limits.of_budget(plan.record.budget), time.monotonic()

    def train(stage: Plan, to_come: Sequence[Job]) -> int:
        left = limits.after(time.monotonic() - began)
        with watching(store, live=progress) as listener:
            return execute(
                stage, store, execution=execution, limits=left, listener=listener,
                wanted=chosen_cells(stage, select, shard), limit=limit, wait=wait, to_come=to_come,
            )  # fmt: skip

    def measure(stage: Plan, todo: Sequence[Job]) -> int:
        return measure_all(stage, store, todo, execution, live=progress)

    code, plan = run_stages(plan, store, train=train, measure=measure, say=typer.echo, once=limit is not None)
    if code in (OK, INCOMPLETE):
        code = max(code, measure_declared(plan, store, execution, wanted=wanted, live=progress))
    if references and code in (OK, INCOMPLETE):
        _measure_references(plan, store)
    damaged = _print_summary(plan, store, wanted, str(grid), runs_dir)
    raise typer.Exit(INCOMPLETE if damaged and code == OK else code)


def _joined(trackers: Sequence[Term], given: Sequence[Term]) -> tuple[Term, ...]:
    """Returns the trackers of the grid and those of the command line, whose options take the place of the grid's."""
    return tuple({term.name: term for term in (*trackers, *given)}.values())


def _pairs(given: Sequence[str]) -> dict[str, str]:
    """Reads NAME=VALUE; an option of sbatch may be given with its dashes."""
    pairs = {}
    for each in given:
        name, equals, value = each.lstrip("-").partition("=")
        if not (name and equals):
            raise ValueError(f"--sbatch {each!r} is not NAME=VALUE, like account=lab")
        pairs[name] = value
    return pairs


def _measure_references(plan: Plan, store: Store) -> None:
    """Measures other codecs for the report; a run does not fail where that cannot be done."""
    from ablate.cli.references import measure_declared, measure_references

    try:
        measure_references([store])
    except (OSError, ValueError) as error:
        typer.echo(f"JPEG and WebP were not measured: {error}", err=True)
    try:
        measure_declared(plan.record, store)
    except (OSError, ValueError) as error:
        typer.echo(f"the references of the grid were not all measured: {error}", err=True)


def _print_todo(plan: Plan, store: Store, wanted: Wanted, limit: int | None) -> None:
    from ablate.cli.terminal import columns, plural
    from ablate.execute.jobs import jobs

    def left(job: Job) -> bool:
        return not job.entry(store).status().finished

    todo = [job for job in jobs(plan, store, wanted=wanted, limit=limit) if left(job)]
    rows = [(job.id, job.entry(store).status().value, str(job.steps), job.label) for job in todo]
    typer.echo(f"{plural(len(todo), 'job')} would run; nothing was changed")
    if rows:
        typer.echo("\n".join(columns(("job", "status", "steps", "label"), rows, status_column=1)))


def _print_summary(plan: Plan, store: Store, wanted: Wanted, grid: str, runs: Path) -> bool:
    """Prints what became of the cells, and says whether any of them cannot be believed."""
    from ablate.cli.cells import counted
    from ablate.cli.process import printable
    from ablate.cli.terminal import command, paint
    from ablate.store import Status

    cells = [cell for cell in store.cell_records(plan.record) if wanted(cell)]
    counts = counted(cell.status for cell in cells)
    typer.echo(" · ".join(paint(f"{count} {word}", word) for word, count in counts.items() if count))
    for cell in cells:
        if cell.status is Status.failed or cell.status.damaged:
            show = command("show", grid, cell.id[:6], runs=runs)
            # Why a cell is damaged was said when the run began.
            why = "" if cell.status.damaged else f": {printable(cell.cause or '')}"
            typer.echo(f"{cell.status}: {printable(cell.label)}{why}  ({show})")
    for name, warmup in plan.warmups.items():
        attempt = store.warmup(name).last_attempt() if store.warmup(name).status() is Status.failed else None
        if attempt and (ended := attempt.exit()):
            typer.echo(f"failed: {printable(warmup.label)}: {printable(ended.error or '')}  ({attempt.log_path})")
    if counts["done"] or counts["diverged"]:
        typer.echo(f"next: {command('report', grid, runs=runs)}")
    return any(cell.status.damaged for cell in cells)
