"""Table of images: one row for each image and set of weights, one column for each figure."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from torch import Tensor

from ablate.metrics import CodedImage, Metric, Scope, mse, sse
from ablate.metrics.metric import TooSmallError
from ablate.metrics.naming import on_set, split_name

Values = dict[str, float | None]
"""Column -> value; None where it is undefined, or infinite as the PSNR of an image that came back unchanged."""


class Figures(NamedTuple):
    """Figures of one image, or of a region of it, and why metrics are undefined there."""

    values: Values
    undefined: Mapping[str, str]


@dataclass(frozen=True)
class ImageRow:
    """Figures of one image; `sse` is exact, and `patches` counts those that distances between sets look at, if any."""

    weights: str
    image: str
    height: int
    width: int
    sse: int
    mse: float
    values: Values
    undefined: Mapping[str, str]
    bytes: int | None
    patches: int | None

    @classmethod
    def of(
        cls,
        found: Iterable[Figures],
        coded: CodedImage,
        *,
        original: Tensor,
        reconstruction: Tensor,
        weights: str,
        image: str,
        patches: int | None,
    ) -> ImageRow:
        """Joins the figures of parts of an image, uint8 (3, H, W), and its reconstruction."""
        pair = original[None], reconstruction[None]
        values: Values = {}
        undefined: dict[str, str] = {}
        for part in found:
            values |= part.values
            undefined |= part.undefined
        measured = int(sse(*pair)), float(mse(*pair)), values, undefined
        return cls(weights, image, coded.height, coded.width, *measured, coded.bytes, patches)

    def cells(self) -> dict[str, Any]:
        """Returns the row by column."""
        return {
            "weights": self.weights, "image": self.image, "height": self.height, "width": self.width,
            "sse": self.sse, "mse": self.mse, **self.values, "bytes_actual": self.bytes, "patches": self.patches,
        }  # fmt: skip


def figures_of(
    metrics: Iterable[Metric],
    coded: CodedImage,
    original: Tensor,
    reconstruction: Tensor,
    region: Tensor | None = None,
) -> Figures:
    """Measures an image, uint8 (3, H, W), and its reconstruction by the metrics of images and of rates.

    A metric is undefined where the image is too small for it, or the region, bool (H, W), which is then measured alone.
    Rates are left out that ask for symbols where the codec sends none, and are None without a file.
    """
    values: Values = {}
    undefined: dict[str, str] = {}
    within = {} if region is None else {"region": region}
    for metric in metrics:
        if metric.scope is Scope.rate and (coded.symbols is not None or not metric.needs.symbols):
            rate = None if coded.bytes is None else metric.function(coded, **within)
            values[metric.name] = None if rate is None else _finite(metric.name, rate)
        if metric.scope is Scope.image:
            try:
                values |= _image_values(metric, original[None], reconstruction[None], within)
            except TooSmallError as error:
                undefined[metric.name] = str(error)
                values |= dict.fromkeys((metric.name, *_beside(metric)))
    return Figures(values, undefined)


def _image_values(metric: Metric, original: Tensor, reconstruction: Tensor, within: Mapping[str, Tensor]) -> Values:
    if min(original.shape[2:]) < metric.needs.smallest_side:
        raise TooSmallError(f"a side is below {metric.needs.smallest_side} pixels")
    found = metric.function(original, reconstruction, **within)
    values = {metric.name: _finite(metric.name, found)}
    return values | {name: _finite(name, derived(found)) for name, derived in _beside(metric).items()}


def _beside(metric: Metric) -> dict[str, Any]:
    """Returns what else is computed of a metric's values, by the name that it has in the table."""
    images = split_name(metric.name)[1]
    return {on_set(name, images): derived for name, derived in metric.beside.items()}


def _finite(name: str, value: Any) -> float | None:
    number = float(value)
    if math.isnan(number) or number == -math.inf:
        raise ValueError(f"the metric {name} gave {number}, which is no value of an image")
    return None if number == math.inf else number


def columns(rows: Sequence[ImageRow]) -> dict[str, list[float]]:
    """Returns the values of every figure, of the images that have one."""
    return {name: [value for row in rows if (value := row.values[name]) is not None] for name in rows[0].values}


def means(rows: Sequence[ImageRow]) -> dict[str, float | int | None]:
    """Returns the means over the images on which a figure is defined, None where there is none.

    `mse_pooled` is that of all pixels together, which old papers take the PSNR of; `identical` counts the images that
    came back unchanged, whose PSNR is infinite and which no mean of PSNR holds.
    """
    result: dict[str, float | int | None] = {
        name: sum(values) / len(values) if values else None for name, values in columns(rows).items()
    }
    result["mse_pooled"] = sum(row.sse for row in rows) / sum(3 * row.height * row.width for row in rows)
    result["identical"] = sum(row.sse == 0 for row in rows)
    return result


def as_csv(rows: Iterable[Mapping[str, Any]]) -> bytes:
    """Returns rows of equal keys as a table; None is an empty cell."""
    rows = list(rows)
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()
