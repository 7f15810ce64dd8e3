"""`ablate doctor`: looks over a machine, and a grid before hours are spent on it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from ablate.cli.options import RUNS, AsJson, Plugins, RunsDir

if TYPE_CHECKING:
    from ablate.execute import Plan
    from ablate.store import Store
    from ablate.train.finding import Finding

PROBLEMS = 3
SPLITS: tuple[Literal["train"], Literal["test"]] = ("train", "test")
COLOURS = {"ok": "done", "warning": "diverged", "problem": "failed"}


def doctor(
    grid: Annotated[
        Path | None,
        typer.Argument(metavar="GRID", dir_okay=False, help="A grid file. Default: look at the machine alone."),
    ] = None,
    plugin: Plugins = [],  # noqa: B006 - typer copies it
    as_json: AsJson = False,
    runs_dir: RunsDir = RUNS,
) -> None:
    """Looks for what would spoil a run.

    The machine: GPU, memory, disk. With a grid: one batch of its first cell, and of one cell for each adversarial loss,
    goes through codec and discriminators, to see whether gradients reach encoder, quantizer, noise and every scale.
    Each finding says what it means and what to do. Exit code 3 where there is a problem.

    Losses and metrics of your own, those of the grid or of --plugin, are held to their contract: shapes, extreme
    logits, gradients against finite differences, options that change the result.

    Example: ablate doctor grids/quickstart.toml

    Example: ablate doctor --plugin my_loss.py
    """
    findings = list(_findings(grid, plugin, runs_dir))
    if as_json:
        typer.echo(json.dumps([vars(finding) | {"of": of} for of, finding in findings], indent=1))
    else:
        _print(findings)
    raise typer.Exit(PROBLEMS if any(finding.verdict == "problem" for _, finding in findings) else 0)


def _findings(grid: Path | None, plugins: Sequence[Path], runs_dir: Path) -> Iterator[tuple[str, Finding]]:
    from ablate.cli.own_code import load_plugins
    from ablate.execute.machine import inspect_machine
    from ablate.plugins.load import loaded
    from ablate.train.contract import inspect_plugin

    if not plugins:
        yield from (("this machine", finding) for finding in inspect_machine(runs_dir))
    load_plugins([*plugins, *([grid] if grid else [])])
    own = [found for source in loaded() for found in inspect_plugin(source)]
    yield from own
    if grid is None or any(finding.check == "runs" for _, finding in own):
        return
    from ablate.execute import load_plan
    from ablate.grid import GridError
    from ablate.store import Store

    try:
        plan = load_plan(grid, runs_dir)
    except GridError:
        raise
    except ValueError as error:
        if not grid.is_file():
            raise
        yield str(grid), _unusable(error)
        return
    yield from _of_grid(plan, Store(runs_dir, plan.name))


def _of_grid(plan: Plan, store: Store) -> Iterator[tuple[str, Finding]]:
    import tempfile

    from ablate.config import Cell
    from ablate.data import prepare
    from ablate.execute.image_files import inspect_images
    from ablate.execute.machine import inspect_store
    from ablate.registry import AbsentError
    from ablate.train.preflight import preflight

    yield from ((plan.name, finding) for finding in inspect_store(plan, store))
    seen: dict[str, str] = {}
    looked: list[str] = []
    with tempfile.TemporaryDirectory() as cache:
        for point in plan.points:
            adversarial = point.cell["loss"]["adversarial"]["name"]
            if adversarial in seen:
                continue
            seen[adversarial] = point.label
            cell = Cell.model_validate(point.cell)
            try:
                images, held_out = (prepare(cell.data, split, Path(cache)) for split in SPLITS)
            except ValueError as error:
                yield point.label, _unusable(error)
                continue
            if (key := cell.data.model_dump_json()) not in looked:
                looked.append(key)
                yield from ((plan.name, finding) for finding in inspect_images(cell.data, (images, held_out)))
            try:
                yield from ((point.label, finding) for finding in preflight(cell, images, held_out, "cpu"))
            except AbsentError as error:
                yield point.label, _unusable(error, "weights")


def _unusable(error: ValueError, what: str = "images") -> Finding:
    from ablate.train.finding import Finding

    return Finding(what, "problem", str(error), "a run would end with the same words before the first step")


def _print(findings: list[tuple[str, Finding]]) -> None:
    import textwrap

    from ablate.cli.process import printable
    from ablate.cli.terminal import paint, plural

    before, advised = "", set()
    for of, finding in findings:
        if of != before:
            typer.echo(("\n" if before else "") + paint(printable(of), "title"))
            before = of
        verdict = paint(finding.verdict.ljust(8), COLOURS[finding.verdict])
        typer.echo(f"  {verdict} {finding.check}: {printable(finding.found)}")
        if finding.advice and (finding.check, finding.advice) not in advised:
            advised.add((finding.check, finding.advice))
            typer.echo(textwrap.indent(textwrap.fill(finding.advice, 100), " " * 13))
    bad = [finding.verdict for _, finding in findings if finding.verdict != "ok"]
    typer.echo("\n" + ", ".join(plural(bad.count(word), word) for word in ("problem", "warning")))
