"""Scores by image as arrays: one row a seed, one column an image."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ablate.analysis.study import Arm, Study
from ablate.records import WEIGHTS
from ablate.store.measured import image_rows

if TYPE_CHECKING:
    import numpy as np

    from ablate.store import Store


@dataclass(frozen=True)
class Scores:
    """A metric's values, arm -> float64 (seeds, images); NaN where a cell has no value."""

    metric: str
    weights: str
    seeds: tuple[int, ...]
    images: tuple[str, ...]
    values: Mapping[str, np.ndarray]


def collect_images(study: Study, store: Store, metric: str, weights: str = WEIGHTS[0]) -> Scores:
    """Collects one value an image of each cell from the tables written at its evaluation."""
    import numpy as np

    rows = {(arm.name, seed): _images(store, arm, seed, metric, weights) for arm in study.arms for seed in study.seeds}
    images = tuple(dict.fromkeys(name for row in rows.values() for name in row))
    values = {
        arm.name: np.array([[rows[arm.name, seed].get(image, np.nan) for image in images] for seed in study.seeds])
        for arm in study.arms
    }
    return Scores(metric, weights, study.seeds, images, values)


def _images(store: Store, arm: Arm, seed: int, metric: str, weights: str) -> dict[str, float]:
    cell = arm.of_seed(seed)
    if cell is None or not cell.measured:
        return {}
    found = {image: row[metric] for image, row in image_rows(store.cell(cell.id), cell.config, weights).items()}
    return {image: value for image, value in found.items() if value is not None}
