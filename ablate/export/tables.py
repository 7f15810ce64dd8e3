"""The tables of a study: cells, their images, the curves, and the other codecs beside them."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from ablate.analysis import Study
from ablate.analysis.axes import value_text
from ablate.analysis.references import beside
from ablate.evaluate.curve import IDENTICAL
from ablate.export.curves import metric_names, study_curves
from ablate.metrics.naming import rate_of, split_name
from ablate.records.images import NAMES
from ablate.store import Store

Row = dict[str, Any]


def tables(study: Study, store: Store) -> dict[str, list[Row]]:
    """Returns the rows of each table that has any, all rows of one with the same columns."""
    found = {
        "cells": cell_rows(study),
        "images": image_rows(study, store),
        "curves": _curves(study),
        "references": _references(study, store.data_cache),
    }
    filled = {name: _even(list(rows)) for name, rows in found.items()}
    return {name: rows for name, rows in filled.items() if rows}


def cell_rows(study: Study) -> Iterator[Row]:
    """Yields a row for each cell and its weights; one without figures has one row."""
    names = metric_names(study)
    for cell in study.cells:
        about = {
            "cell": cell.id, "grid": cell.grid, "arm": cell.arm, "seed": cell.seed, "replicate": cell.replicate,
            "status": cell.status.value, **{key: value_text(value) for key, value in cell.axes.items()},
        }  # fmt: skip
        for weights, figures in (cell.measured.metrics if cell.measured else {"": {}}).items():
            yield about | {"weights": weights} | {name: figures.get(name) for name in names}


def image_rows(study: Study, store: Store) -> Iterator[Row]:
    """Yields a row for each image of each measured cell under each of its weights."""
    for cell in study.cells:
        path = store.cell(cell.id).images_csv
        if cell.measured and path.is_file():
            with path.open(newline="", encoding="utf-8") as file:
                for row in csv.DictReader(file):
                    figures = {key: value if key in NAMES else _typed(value) for key, value in row.items()}
                    yield {"cell": cell.id, "arm": cell.arm, "seed": cell.seed, **figures}


def _typed(text: str) -> int | float | str | None:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text or None


def _curves(study: Study) -> Iterator[Row]:
    for curve in study_curves(study):
        for point in curve.points:
            for name, own in point.values.items():
                spent = point.values.get(rate_of(name))
                yield {
                    "curve": curve.name, "level": point.level, "bpp": spent.mean if spent else None, "metric": name,
                    "mean": own.mean, "low": own.low, "high": own.high, "seeds": own.n,
                }  # fmt: skip


def _references(study: Study, cache: Path) -> Iterator[Row]:
    for each in beside(study, cache):
        for point in each.curve.points if each.curve else ():
            for name, value in point.values.items():
                if split_name(name)[0] == IDENTICAL:
                    continue
                why = each.refused.get(name)
                yield {
                    "codec": each.label,
                    "quality": "" if point.quality is None else str(point.quality),
                    "bpp": point.values.get(rate_of(name)),
                    "metric": name,
                    "value": value,
                    "not_comparable": why.reason.value if why else "",
                }


def _even(rows: Sequence[Row]) -> list[Row]:
    columns: Iterable[str] = dict.fromkeys(key for row in rows for key in row)
    return [{column: row.get(column) for column in columns} for row in rows]
