"""Writes a study in a form that others read."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ablate.analysis import RATE, Study
from ablate.atomic import write_bytes
from ablate.export.curves import Point, StudyCurve, study_curves
from ablate.export.tables import Row, tables
from ablate.metrics.naming import on_set, split_name
from ablate.store import Store

THEIRS = {RATE: "bpp", "ms_ssim": "ms-ssim"}
"""Names that CompressAI has for metrics; the others keep theirs."""


def export(study: Study, store: Store, kind: str, out: Path) -> list[Path]:
    """Writes the files of a format under `out` and returns them; each appears whole.

    Args:
        study: what is written.
        store: where its images' figures lie.
        kind: "compressai", "csv" or "parquet".
        out: a directory, made where there is none.

    Raises:
        ValueError: where nothing was measured, or the format needs a package that is not there.
    """
    if not any(cell.measured for cell in study.cells):
        raise ValueError(f"no cell of {study.name} has finished, so there is nothing to write")
    if kind == "compressai":
        files = {f"{name}.json": content for name, content in _compressai(study_curves(study)).items()}
    else:
        written = _parquet() if kind == "parquet" else _csv
        files = {f"{name}.{kind}": written(rows) for name, rows in tables(study, store).items()}
    for name, content in files.items():
        write_bytes(out / name, content)
    return [out / name for name in files]


def _compressai(curves: tuple[StudyCurve, ...]) -> Mapping[str, bytes]:
    """Returns a file for each curve on each set of images."""
    found: dict[str, bytes] = {}
    for curve in curves:
        for images in dict.fromkeys(split_name(name)[1] for name in curve.points[0].values):
            points = _in_order(curve, images)
            results = _results(points, images)
            if THEIRS[RATE] not in results:
                continue
            levels = ", ".join(point.level for point in points)
            about = f"ablate: means over seeds on the {images} images, in the order of the bits: {levels}"
            named = on_set(curve.name, images)
            content: dict[str, Any] = {"name": named, "description": about, "results": results}
            fit = re.sub(r"[^\w.=@-]+", "_", named)[:100]
            name = fit if fit not in found else f"{fit}-{len(found)}"
            found[name] = (json.dumps(content, indent=2, allow_nan=False) + "\n").encode()
    return found


def _in_order(curve: StudyCurve, images: str) -> list[Point]:
    """Returns the points of a curve in the order of the bits on a set of images; none where one has none."""
    rate = on_set(RATE, images)
    if any(rate not in point.values for point in curve.points):
        return []
    return sorted(curve.points, key=lambda point: point.values[rate].mean)


def _results(points: Sequence[Point], images: str) -> dict[str, list[float]]:
    """Returns the means on a set of images; a metric that some point lacks, or has of fewer seeds, is not."""
    rate = on_set(RATE, images)
    results: dict[str, list[float]] = {}
    for name in points[0].values if points else ():
        own = [point.values.get(name) for point in points]
        if split_name(name)[1] == images and [each.n for each in own if each] == [p.values[rate].n for p in points]:
            plain = split_name(name)[0]
            results[THEIRS.get(plain, plain)] = [each.mean for each in own if each]
    return results


def _csv(rows: list[Row]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def _parquet() -> Callable[[list[Row]], bytes]:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise ValueError("Parquet needs pyarrow, which is not there: pip install pyarrow") from error

    def written(rows: list[Row]) -> bytes:
        file = io.BytesIO()
        columns = {column: _of_one_type([row[column] for row in rows]) for column in rows[0]}
        parquet.write_table(pyarrow.table(columns), file)
        return file.getvalue()

    return written


def _of_one_type(values: list[Any]) -> list[Any]:
    """Returns a column as numbers, or as text where any value is."""
    if any(isinstance(value, str) for value in values):
        return [None if value is None else str(value) for value in values]
    if any(isinstance(value, float) for value in values):
        return [None if value is None else float(value) for value in values]
    return values
