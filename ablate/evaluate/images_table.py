"""The table of what was measured on each image."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from torch import Tensor

from ablate import metrics

MEANS = ("psnr", "ms_ssim", "ms_ssim_db", "ms_ssim_3", "bpp_bound", "bpp_entropy", "bpp_actual")
"""The columns whose means over images a result holds."""


@dataclass(frozen=True)
class ImageRow:
    """Measurements of one image.

    `psnr` is None for an identical one (sse 0), and so is `ms_ssim_db`; `ms_ssim` is None below 161 px and `ms_ssim_3`
    below 41 px or where no image of the set needs it; `bpp_bound` and `bpp_entropy` are None where a codec sends no
    symbols. `patches` counts those that distances between sets look at.
    """

    weights: str
    image: str
    height: int
    width: int
    psnr: float | None
    sse: int
    mse: float
    ms_ssim: float | None
    ms_ssim_db: float | None
    ms_ssim_3: float | None
    bpp_bound: float | None
    bpp_entropy: float | None
    bpp_actual: float
    bytes_actual: int
    patches: int
    perceptual: Mapping[str, float]


def similarity(original: Tensor, reconstruction: Tensor, three_scales: bool) -> dict[str, float | None]:
    """Returns the multi-scale similarities of a pair (1, 3, H, W), None where one does not exist or is not wanted."""
    side = min(original.shape[2:])
    five = metrics.ms_ssim(original, reconstruction) if side >= metrics.MIN_SIDE_MS_SSIM else None
    decibels = float(metrics.similarity_decibels(five)) if five is not None else None
    three = three_scales and side >= metrics.MIN_SIDE_MS_SSIM_3
    return {
        "ms_ssim": float(five) if five is not None else None,
        "ms_ssim_db": decibels if decibels != float("inf") else None,
        "ms_ssim_3": float(metrics.ms_ssim_3(original, reconstruction)) if three else None,
    }


def means(rows: Sequence[ImageRow]) -> dict[str, float | int | None]:
    """Returns the means over the images on which a figure is defined, None where there is none.

    `mse_pooled` is that of all pixels together, which old papers take the PSNR of; `identical` counts the images that
    came back unchanged, whose PSNR is infinite and which no mean of PSNR holds.
    """
    result: dict[str, float | int | None] = {}
    for name, values in columns(rows).items():
        result[name] = sum(values) / len(values) if values else None
    result["mse_pooled"] = sum(row.sse for row in rows) / sum(3 * row.height * row.width for row in rows)
    result["identical"] = sum(row.sse == 0 for row in rows)
    return result


def columns(rows: Sequence[ImageRow]) -> dict[str, list[float]]:
    """Returns the values of every figure that is averaged, of the images that have one."""
    flat = [_flat(row) for row in rows]
    names = [name for name in MEANS if name != "ms_ssim_3" or any(row.ms_ssim_3 is not None for row in rows)]
    return {name: [row[name] for row in flat if row[name] is not None] for name in (*names, *rows[0].perceptual)}


def as_csv(rows: Iterable[Mapping[str, Any]]) -> bytes:
    """Writes rows of equal keys as a table; None is an empty cell."""
    rows = list(rows)
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def table(rows: Iterable[ImageRow]) -> bytes:
    """Writes the rows as a table, one column for each perceptual distance."""
    return as_csv(_flat(row) for row in rows)


def _flat(row: ImageRow) -> dict[str, Any]:
    flat = asdict(row)
    return flat | flat.pop("perceptual")
