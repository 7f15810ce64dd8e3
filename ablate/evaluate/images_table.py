"""Table of images: one row for each image and set of weights, one column for each figure."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor

from ablate.metrics import CodedImage, Metric, Scope, mse, psnr_within, sse
from ablate.metrics.naming import KEPT, RATE, on_set

Values = dict[str, float | None]
"""Column -> value; None where it is undefined, or infinite as the PSNR of an image that came back unchanged."""


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
    bytes: int | None
    patches: int | None

    @classmethod
    def of(
        cls,
        metrics: Sequence[Metric],
        coded: CodedImage,
        *,
        original: Tensor,
        reconstruction: Tensor,
        weights: str,
        image: str,
        patches: int | None,
    ) -> ImageRow:
        """Measures an image, uint8 (3, H, W), and its reconstruction by the metrics of images and of rates."""
        pair = original[None], reconstruction[None]
        values = image_values(metrics, *pair) | rate_values(metrics, coded)
        return cls(
            weights, image, coded.height, coded.width, int(sse(*pair)), float(mse(*pair)), values, coded.bytes, patches
        )

    def with_values(self, values: Values) -> ImageRow:
        """Returns the row with further figures."""
        return replace(self, values=self.values | values)

    def cells(self) -> dict[str, Any]:
        """Returns the row by column."""
        return {
            "weights": self.weights, "image": self.image, "height": self.height, "width": self.width,
            "sse": self.sse, "mse": self.mse, **self.values, "bytes_actual": self.bytes, "patches": self.patches,
        }  # fmt: skip


def image_values(metrics: Iterable[Metric], original: Tensor, reconstruction: Tensor) -> Values:
    """Returns the metrics of a pair of uint8 images (1, 3, H, W), None where the image is too small for one."""
    values: Values = {}
    for metric in metrics:
        if metric.scope is not Scope.image:
            continue
        if min(original.shape[2:]) < metric.needs.smallest_side:
            values |= dict.fromkeys((metric.name, *metric.beside))
            continue
        found = metric.function(original, reconstruction)
        values[metric.name] = _finite(metric.name, found)
        values |= {name: _finite(name, derived(found)) for name, derived in metric.beside.items()}
    return values


def in_region(region: Tensor, original: Tensor, reconstruction: Tensor, size: int | None) -> Values:
    """Returns the figures of a region, bool (H, W), of uint8 images (3, H, W): PSNR, and the file's bits a pixel."""
    quality = on_set("psnr", KEPT)
    values: Values = {quality: _finite(quality, psnr_within(original[None], reconstruction[None], region))}
    return values | {on_set(RATE, KEPT): None if size is None else 8 * size / int(region.sum())}


def rate_values(metrics: Iterable[Metric], coded: CodedImage) -> Values:
    """Returns the rates of an image, None without a file, and without those of symbols where the codec sends none."""
    return {
        metric.name: None if coded.bytes is None else _finite(metric.name, metric.function(coded))
        for metric in metrics
        if metric.scope is Scope.rate and (coded.symbols is not None or not metric.needs.symbols)
    }


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
