"""`ablate references`: JPEG and WebP beside the arms of a grid, and the codecs that its file names."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from ablate.cli.options import RUNS, RunsDir

if TYPE_CHECKING:
    from ablate.evaluate.reference_curves import CodecReference
    from ablate.records import PlanRecord
    from ablate.store import Store


def references(
    grids: Annotated[
        list[str] | None,
        typer.Argument(metavar="GRID", help="Grid files, or names of grids that were run. Default: the last run."),
    ] = None,
    allow_mixed_code: Annotated[
        bool, typer.Option("--allow-mixed-code", help="Compare grids that ran with different code.")
    ] = False,
    runs_dir: RunsDir = RUNS,
) -> None:
    """Measures other codecs on the images of a grid.

    Those of [[reference]] at their qualities, on the test images and on every named set, and JPEG and WebP at the bits
    of the arms that a report sets them beside, by the protocol of the grid; the report reads what was measured.
    `ablate run` does this at its end. What is known is not measured again.

    Example: ablate references grid.toml
    """
    from ablate.cli.locate import find_grid
    from ablate.cli.terminal import plural

    wanted: list[str] | list[None] = grids or [None]
    found = [find_grid(grid, runs_dir) for grid in wanted]
    stores = [store for _, store in found]
    declared = sum(measure_declared(plan.record, store) for plan, store in found)
    measured = measure_references(stores, allow_mixed_code=allow_mixed_code) if _ran(stores) else None
    if measured is None and not any(plan.record.references for plan, _ in found):
        raise ValueError("no cell has finished, so there are no bits to measure JPEG and WebP at")
    count = declared + (measured or 0)
    typer.echo(f"{plural(count, 'point')} measured" if count else "all points were measured before")


def _ran(stores: Sequence[Store]) -> bool:
    return all(store.plan() is not None for store in stores)


def measure_declared(plan: PlanRecord, store: Store) -> int:
    """Measures the codecs that a grid file names; what the file says of them now, the store's plan says from now on.

    Returns how many points were measured.

    Raises:
        ValueError or OSError: where one of them, or the test images, cannot be used; those before it are kept.
    """
    from ablate.evaluate.reference_curves import references_of

    stored = store.plan()
    if stored is not None and stored.points == plan.points and stored.references != plan.references:
        store.write_plan(stored.model_copy(update={"references": plan.references}))
    found = references_of(plan, store.data_cache)
    say = Countdown(points_missing(found)[0])
    return sum(reference.measure(say) for reference in found)


def points_missing(references: Sequence[CodecReference]) -> tuple[int, int]:
    """Counts the points that are to be measured of references that can be used here, and the images of all points."""
    points = images = 0
    for reference in references:
        with contextlib.suppress(OSError, ValueError):  # which measuring it says
            points += len(reference.missing()) * len(reference.qualities)
            images += reference.images_missing()
    return points, images


class Countdown:
    """Tells of each point before it is measured: its number, and how long it and the rest will take at this pace."""

    def __init__(self, total: int) -> None:
        self._total, self._number, self._began = total, 0, time.monotonic()

    def __call__(self, what: str, images: int) -> None:
        from ablate.cli.terminal import duration, plural

        pace = (time.monotonic() - self._began) / self._number if self._number else 0.0
        left = f", about {duration(pace * (self._total - self._number))} left" if pace else ""
        self._number += 1
        typer.echo(f"[{self._number}/{self._total}] {what}, {plural(images, 'image')}{left}", err=True)


def measure_references(stores: Sequence[Store], *, allow_mixed_code: bool = False) -> int | None:
    """Measures what a report of these grids would show of reference codecs and that is not known yet.

    Returns how many points were measured, None where no cell has finished.

    Raises:
        ValueError or OSError: where the test images are no longer there, or grids cannot be compared.
    """
    from ablate.report.reference_points import reference_points
    from ablate.report.report import gather

    points = reference_points(gather(stores, allow_mixed_code=allow_mixed_code))
    return points.references.measure(Countdown(points.references.missing())) if points else None
