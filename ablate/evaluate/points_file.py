"""Points that others published: CompressAI's JSON, and tables such as those of NeuralCompression and of HiFiC.

    {"name": "JPEG", "results": {"bpp": [...], "psnr": [...], "ms-ssim": [...]}}     one curve a file
    model,dataset,bpp,fid,ms_ssim,psnr                                               a row for each point

A table has a column of bits per pixel; a column model, name, codec or method, and one called dataset, tell curves
apart. Columns that name no metric are left aside.
"""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ablate.evaluate.curve import RATE
from ablate.metrics.catalogue import metrics
from ablate.registry import unknown

ALIASES = {"bpp": RATE, "psnr_rgb": "psnr", "ms_ssim_rgb": "ms_ssim"}
"""Columns by another name than their metric's; KID and LPIPS are missing since several metrics are called so."""
MODELS = ("model", "name", "codec", "method")
DATASET = "dataset"

Values = dict[str, float | None]


@dataclass(frozen=True)
class FileCurve:
    """One curve of a file: its name there, its data set where that is told, and the figures of each point."""

    model: str
    dataset: str
    points: tuple[Values, ...]


def read_curve(path: Path, columns: Mapping[str, str], *, model: str | None, dataset: str | None) -> FileCurve:
    """Reads the one curve of a file that is meant.

    Args:
        path: a file that ends in .json or .csv.
        columns: metric -> its column, where that has another name; capitals and hyphens make no difference.
        model: which model of several.
        dataset: which data set of several.

    Raises:
        ValueError: for a file of another form, without one of the columns, or where several curves or none are meant.
        OSError: where it cannot be read.
    """
    text = path.read_text(encoding="utf-8-sig")
    declared = {_plain(column): metric for metric, column in columns.items()}
    try:
        curves = _json_curves(text, declared) if path.suffix.lower() == ".json" else _csv_curves(text, declared)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    wanted = [
        curve for curve in curves if model in (None, curve.model) and dataset in (None, curve.dataset)
    ]  # fmt: skip
    if len(wanted) == 1:
        return wanted[0]
    there = "; ".join(f'curve = "{curve.model}", dataset = "{curve.dataset}"' for curve in curves)
    raise ValueError(f"{path}: {len(wanted)} curves are meant; there is: {there}")


def _json_curves(text: str, declared: Mapping[str, str]) -> list[FileCurve]:
    content = json.loads(text)
    results = content.get("results") if isinstance(content, dict) else None
    if not isinstance(results, dict) or not all(isinstance(column, list) for column in results.values()):
        raise ValueError('"results" with a list for each metric is expected, as CompressAI writes it')
    lengths = {name: len(column) for name, column in results.items()}
    if len(set(lengths.values())) != 1:
        raise ValueError(f"lists of unequal length: {', '.join(f'{name} has {n}' for name, n in lengths.items())}")
    rows = [dict(zip(results, row, strict=True)) for row in zip(*results.values(), strict=True)]
    return [FileCurve(str(content.get("name", "")), "", _points(rows, declared))]


def _csv_curves(text: str, declared: Mapping[str, str]) -> list[FileCurve]:
    reader = csv.DictReader(text.splitlines())
    header = [_plain(name) for name in reader.fieldnames or ()]
    reader.fieldnames = header
    model = next((name for name in MODELS if name in header), None)
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in reader:
        if None in row or None in row.values():
            raise ValueError(f"line {reader.line_num} has not {len(header)} fields")
        at = (row.get(model or "", "").strip(), row.get(DATASET, "").strip())
        groups.setdefault(at, []).append(row)
    if not groups:
        raise ValueError("it has no rows")
    return [FileCurve(*at, _points(rows, declared)) for at, rows in groups.items()]


def _plain(column: str) -> str:
    """Returns the name of a column as metrics are called."""
    return column.strip().lower().replace("-", "_")


def _points(rows: Iterable[Mapping[str, Any]], declared: Mapping[str, str]) -> tuple[Values, ...]:
    """Returns the points of rows; columns that are declared, as `_plain` calls them, come before all others."""
    points = []
    for number, row in enumerate(rows, start=1):
        given = {_plain(column): raw for column, raw in row.items()}
        if absent := [column for column in declared if column not in given]:
            raise ValueError(unknown("column", absent[0], list(given)))
        point: Values = {}
        for column in (*declared, *given):
            name = declared.get(column, ALIASES.get(column, column))
            if name in metrics and name not in point:
                point[name] = _number(given[column], f"{column} of point {number}")
        rate = point.get(RATE)
        if rate is None or rate <= 0:
            raise ValueError(f"point {number} has no bits per pixel above 0 (a column bpp)")
        points.append(point)
    if not points:
        raise ValueError("it has no points")
    return tuple(sorted(points, key=lambda point: point[RATE] or 0.0))


def _number(raw: Any, what: str) -> float | None:
    if raw is None or (isinstance(raw, str) and not raw.strip()):
        return None
    try:
        value = float(raw)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{what} is no number: {raw!r}") from error
    if not math.isfinite(value):
        raise ValueError(f"{what} is {value}")
    return value
