"""`ablate plan`: what a grid file means, before anything is trained."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ablate.cli.options import RUNS, AsJson, Device, GridFile, RunsDir, Shard, Threads, Workers

if TYPE_CHECKING:
    from ablate.execute import Capacity, Estimate, Job, Plan
    from ablate.store import Store


def plan(
    grid: GridFile,
    resolved: Annotated[
        bool, typer.Option("--resolved", help="Print the complete base cell, every setting with its value.")
    ] = False,
    workers: Workers = None,
    threads: Threads = None,
    device: Device = None,
    shard: Shard = None,
    as_json: AsJson = False,
    runs_dir: RunsDir = RUNS,
) -> None:
    """Shows a grid's cells before they are run.

    What is done already, how long the rest takes, and the smallest p-value that the seeds can reach. Changes nothing.

    Example: ablate plan grid.toml
    """
    if resolved:
        typer.echo(resolved_base(grid, as_json))
        return
    from ablate.cli.process import without_collection

    with without_collection():
        _show(grid, shard, as_json, runs_dir, device=device, workers=workers, threads=threads)


def _show(grid: Path, shard: str | None, as_json: bool, runs_dir: Path, **machine: Any) -> None:
    from ablate.cli import tuning
    from ablate.cli.cells import list_cells
    from ablate.cli.measure import listed
    from ablate.cli.select import chosen_cells
    from ablate.execute import Estimate, capacity_of, chosen, load_plan
    from ablate.execute.finished import left_behind, of_another_file
    from ablate.execute.jobs import cell_job, jobs
    from ablate.execute.measuring import images_beside, measurements
    from ablate.execute.trials import staged
    from ablate.store import Store

    planned = load_plan(grid, runs_dir)
    store = Store(runs_dir, planned.name)
    stage = staged(planned.record, store)
    planned = replace(planned, record=stage.record)
    wanted = chosen_cells(planned, shard=shard)
    cells = list_cells(planned, store, wanted)
    capacity = capacity_of(chosen(planned.record.execution, **machine))
    estimate = Estimate.of_finished(planned, store)
    todo = jobs(planned, store, wanted=wanted)
    to_come = tuple(cell_job(point, planned.record.plugins) for point in stage.to_come)
    content = _content(planned, cells, todo, to_come, estimate, capacity) | {
        "measurements": listed(measurements(planned, store, wanted=wanted)),
        "tuning": tuning.content(planned, stage.to_come),
    }
    content["references"] = _references(planned, store, estimate)
    # Cells of a whole plan take memory: they are listed once, and what is not finished is known of them.
    finished = {cell["id"] for cell in cells if cell["status"] in ("done", "diverged")}
    ahead = (job for job in (*todo, *to_come) if job.kind == "cell" and job.id not in finished)
    beside = estimate.seconds_per_image * images_beside((job.training for job in ahead), store)
    content["estimate"]["seconds"] += beside / capacity.workers + content["references"]["estimated_seconds"]
    told = (of_another_file(planned, store), left_behind(planned.record, store))
    content["notes"] = [*content["notes"], *filter(None, told)]
    typer.echo(json.dumps(content, indent=1) if as_json else "\n".join(_lines(planned, content, capacity)))


def resolved_base(path: Path, as_json: bool) -> str:
    """Returns the complete base cell of a grid file, as TOML that could stand in it, or as JSON."""
    from ablate.grid import read_grid

    base = read_grid(path).base
    return json.dumps(base, indent=1) if as_json else "\n".join(_toml(base, "base"))


def _toml(table: Mapping[str, Any], name: str) -> list[str]:
    from ablate.grid.mistakes import toml_key, toml_text

    # A term (a name and its options) is one value of its group.
    groups = {key: value for key, value in table.items() if isinstance(value, Mapping) and "name" not in value}
    values = [f"{toml_key(key)} = {toml_text(value)}" for key, value in table.items() if key not in groups]
    lines = [f"[{name}]", *values, ""] if values else []
    return lines + [line for key, value in groups.items() for line in _toml(value, f"{name}.{key}")]


def _content(
    plan: Plan,
    cells: list[dict[str, Any]],
    todo: tuple[Job, ...],
    to_come: tuple[Job, ...],
    estimate: Estimate,
    capacity: Capacity,
) -> dict[str, Any]:
    from ablate.cli.cells import counted

    steps = {cell["id"]: cell["step"] for cell in cells}
    unfinished = {job.id for job in todo if job.kind == "warmup"}
    unfinished |= {cell["id"] for cell in cells if cell["status"] not in ("done", "diverged")}
    seconds = {job.id: estimate.seconds(job, steps.get(job.id, 0)) if job.id in unfinished else 0.0 for job in todo}
    longest = max(seconds.values(), default=0.0)
    for cell in cells:
        cell["estimated_seconds"] = seconds[cell["id"]]
    later = sum(estimate.seconds(job) for job in to_come)
    return {
        "name": plan.name,
        "total": len(cells),
        **counted(cell["status"] for cell in cells),
        "seeds": _seeds(plan),
        "estimate": {
            "seconds": max((sum(seconds.values()) + later) / capacity.workers, longest),
            "measured": estimate.measured,
            "workers": capacity.workers,
            "threads": capacity.threads,
            "device": capacity.device,
        },
        "warmups": [{"id": job.id, "label": job.label, "steps": job.steps} for job in todo if job.kind == "warmup"],
        "excluded": [excluded.plain() for excluded in plan.record.excluded],
        "notes": plan.record.notes,
        "cells": cells,
    }


def _references(plan: Plan, store: Store, estimate: Estimate) -> dict[str, Any]:
    """Returns what is to be measured of [[reference]], and roughly how long that takes."""
    from ablate.cli.references import points_missing
    from ablate.evaluate.reference_curves import references_of

    found = references_of(plan.record, store.data_cache)
    points, images = points_missing(found)
    return {"points": points, "images": images, "estimated_seconds": images * estimate.seconds_per_image}


def _seeds(plan: Plan) -> dict[str, Any]:
    from ablate.analysis.significance import seeds_for, smallest_p

    count = len({point.seed for point in plan.points if point.part != "trial"})
    alpha, comparisons = plan.record.compare.alpha, _comparisons(plan)
    needed = seeds_for(alpha, comparisons)
    return {
        "count": count,
        "smallest_p": smallest_p(count),
        "alpha": alpha,
        "comparisons": comparisons,
        "needed": needed,
        "needed_p": smallest_p(needed),
    }


def _comparisons(plan: Plan) -> int:
    """Counts what is corrected together: a difference from the baseline for every other level and arm, on a metric."""
    from ablate.analysis.axes import find_axes

    compare = plan.record.claims
    if compare.correction == "none":
        return 1
    points = [point for point in plan.points if point.part == "design"]
    axes = find_axes(plan.record.axes, [point.axes for point in points], compare.baseline, plan.record.names)
    claimed = set(compare.axes) or {key for axis in axes for key in axis.keys}
    levels = sum(len(axis.levels) - 1 for axis in axes if claimed.intersection(axis.keys))
    names = plan.record.arm_names
    beside = {names[point.id] for point in points if point.axes.keys() != plan.record.axes.keys()}
    on_a_metric = max(1, levels + (0 if compare.axes else len(beside)))
    return on_a_metric * len(compare.primary) if compare.correction == "holm-all" else on_a_metric


def _lines(plan: Plan, content: Mapping[str, Any], capacity: Capacity) -> list[str]:
    from ablate.cli.terminal import columns, duration, paint, plural
    from ablate.cli.tuning import planned

    # Name, axes and a row for each cell.
    lines = [paint(plan.name, "title")]
    lines += [f"  {key}: {', '.join(map(str, values))}" for key, values in plan.record.axes.items()]
    zips = [each for each in plan.record.names if each.label]
    lines += [f"  {zipped.label}: {', '.join(zipped.keys)}, together" for zipped in zips]

    def row(cell: Mapping[str, Any]) -> tuple[str, ...]:
        left = duration(cell["estimated_seconds"]) if cell["estimated_seconds"] else "–"
        return cell["id"], cell["status"], f"{cell['step']}/{cell['steps']}", left, cell["label"]

    rows = map(row, content["cells"])
    lines += ["", *columns(("cell", "status", "step", "left", "label"), rows, status_column=1), ""]
    # What is done, what is trained first, and what is left out.
    done = content["done"] + content["diverged"]
    lines.append(f"{plural(content['total'], 'cell')}, {done} of them finished already")
    if content["warmups"]:
        warmups = plural(len(content["warmups"]), "warm-up")
        lines.append(f"{warmups} first, trained once for all cells that begin alike")
    lines += _measured(content["measurements"])
    if points := content["references"]["points"]:
        takes = duration(content["references"]["estimated_seconds"])
        lines.append(f"{plural(points, 'point')} of other codecs to be measured at the end, about {takes}")
    if content["tuning"]:
        lines += planned(plan, content["tuning"])
    for excluded in content["excluded"]:
        where = ", ".join(f"{key} = {value}" for key, value in excluded["where"].items())
        lines.append(f"{excluded['count']} left out: {where} ({excluded['reason']})")
    lines += content["notes"]
    # How long the rest takes, and what the seeds can prove.
    estimate = content["estimate"]
    learned = "from finished cells" if estimate["measured"] else "a guess: nothing like it was measured here yet"
    if done < content["total"]:
        lines.append(f"about {duration(estimate['seconds'])} with {capacity} ({learned})")
    if not done and (advice := capacity.idle_cores(content["total"])):
        lines.append(advice)
    return [*lines, _power(content["seeds"])]


def _measured(measurements: list[dict[str, Any]]) -> list[str]:
    """Says what finished cells lack, a line for each set of images and metrics."""
    from collections import Counter

    from ablate.cli.terminal import plural

    alike = Counter((one["set"], ", ".join(one["metrics"])) for one in measurements)
    return [
        f"{plural(count, 'finished cell')} without {names} on {images}: `ablate measure` makes them, nothing is trained"
        for (images, names), count in alike.items()
    ]


def _power(seeds: Mapping[str, Any]) -> str:
    from ablate.cli.terminal import plural

    count, needed, alpha, comparisons = (seeds[key] for key in ("count", "needed", "alpha", "comparisons"))
    reached = f"p = {seeds['smallest_p']:.2g}"
    family = f" in {comparisons} comparisons" if comparisons > 1 else ""
    if count >= needed:
        return f"{plural(count, 'seed')} reach {reached} at best, enough for alpha = {alpha:g}{family}"
    return (
        f"{plural(needed, 'seed')} reach p = {seeds['needed_p']:.2g}; you have {count} ({reached} at best), "
        f"so no difference can be significant at alpha = {alpha:g}{family}"
    )
