"""A report of a grid that is still run: progress, curves and images so far, and no verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ablate.execute.look import look, over
from ablate.execute.plan import stored_plan
from ablate.execute.snapshot import Snapshot
from ablate.report.document import Document
from ablate.report.report import Report, gather, subtitle, write_document
from ablate.report.sections.completeness import completeness
from ablate.report.sections.images import images
from ablate.report.sections.progress import progress
from ablate.report.sections.results import results
from ablate.report.sections.training import training
from ablate.store import Store

SECTIONS = (training, images, results, completeness)
"""What can be said of a grid before all of it is there, after the progress."""


def seen_of(stores: Sequence[Store]) -> list[tuple[str, Snapshot]]:
    """Returns how far each grid is, by its name."""
    plans = [(store, stored_plan(store)) for store in stores]
    return [(store.grid, look(plan, store)) for store, plan in plans if plan is not None]


def all_over(seen: Sequence[tuple[str, Snapshot]]) -> bool:
    """Whether nothing runs in any of the grids, and nothing is left that nobody tried."""
    return all(over(each) for _, each in seen)


def write_live(
    stores: Sequence[Store], out: Path, seen: Sequence[tuple[str, Snapshot]], every: int, *, allow_mixed_code: bool
) -> Report:
    """Writes the report as it is by now under `out`, whose page loads itself anew after so many seconds.

    Raises:
        ValueError: as `write_report` does.
    """
    evidence = replace(gather(stores, allow_mixed_code=allow_mixed_code), live=True)
    sections = [section(evidence) for section in SECTIONS]
    # Curves are what one watches: they are open.
    shown = [replace(each, summary="") if each.id == "training" else each for each in sections if each.blocks]
    document = Document(
        evidence.study.name, subtitle(evidence), (progress(seen, every), *shown), "Report in the making", refresh=every
    )
    return write_document(document, out)
