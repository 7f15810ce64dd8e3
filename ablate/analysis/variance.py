"""Components of variance: arm, seed and image, their interactions, and the machine alone (A/A)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ablate.analysis.scores import Scores
from ablate.analysis.study import Study

if TYPE_CHECKING:
    import numpy as np

PARTS = ("arm", "seed", "image", "arm x seed", "arm x image", "seed x image", "residual")


@dataclass(frozen=True)
class Components:
    """Standard deviations of each part of a score, in its unit; a negative variance estimate is told as 0.

    Attributes:
        metric: what was measured.
        arms: how many arms; with `seeds` and `images` the complete block that the estimate rests on.
        deviations: part -> standard deviation; "residual" is the three-way part, which no repetition tells from noise.
        again: standard deviation of a cell's mean over images when it is run again with the same seed; None where no
            cell was.
        repeats: cells that were run again.
    """

    metric: str
    arms: int
    seeds: int
    images: int
    deviations: dict[str, float]
    again: float | None
    repeats: int


def components(scores: Scores, study: Study) -> Components | None:
    """Estimates crossed random effects from per-image scores by the method of moments (analysis of variance).

    Arms and seeds with a missing value are left out, images where any is missing; None where fewer than two of each
    are left.
    """
    import numpy as np

    table = _complete(np.array(list(scores.values.values())))
    if min(table.shape, default=0) < 2:
        return None
    found = _variances(table)
    again, repeats = noise_floor(study, scores.metric)
    deviations = {part: max(0.0, found[part]) ** 0.5 for part in PARTS}
    arms, seeds, images = table.shape
    return Components(scores.metric, arms, seeds, images, deviations, again, repeats)


def _variances(table: np.ndarray) -> dict[str, float]:
    """Returns unbiased estimates of the variance of each part, which may be negative."""
    squares, (a, s, i) = _mean_squares(table), table.shape
    residual = squares["residual"]
    pairs = {
        "arm x seed": (squares["arm x seed"] - residual) / i,
        "arm x image": (squares["arm x image"] - residual) / s,
        "seed x image": (squares["seed x image"] - residual) / a,
    }
    single = {
        "arm": (squares["arm"] - squares["arm x seed"] - squares["arm x image"] + residual) / (s * i),
        "seed": (squares["seed"] - squares["arm x seed"] - squares["seed x image"] + residual) / (a * i),
        "image": (squares["image"] - squares["arm x image"] - squares["seed x image"] + residual) / (a * s),
    }
    return {**single, **pairs, "residual": residual}


def noise_floor(study: Study, metric: str) -> tuple[float | None, int]:
    """Returns the standard deviation of a cell's score over runs of the same seed (A/A), and how many pairs there are.

    None where the grid ran no cell twice ([seeds] aa).
    """
    gaps = []
    for arm in study.arms:
        for cell in arm.again:
            first, own = arm.of_seed(cell.seed), cell.score(metric)
            other = first.score(metric) if first else None
            if own is not None and other is not None:
                gaps.append(own - other)
    if not gaps:
        return None, 0
    return (sum(gap * gap for gap in gaps) / (2 * len(gaps))) ** 0.5, len(gaps)


def _complete(table: np.ndarray) -> np.ndarray:
    """Returns the arms with every seed and the images with every value, of an array (arms, seeds, images)."""
    import numpy as np

    missing = np.isnan(table)
    # A cell without any value takes its arm out; an image on which some cell has none is left out for all.
    table = table[~missing.all(axis=2).any(axis=1)]
    return table[:, :, ~np.isnan(table).any(axis=(0, 1))]


def _mean_squares(table: np.ndarray) -> dict[str, float]:
    """Returns the mean squares of a complete crossed table (arms, seeds, images) with one value a cell."""
    import numpy as np

    names = ("arm", "seed", "image")
    grand = table.mean()
    main = {
        name: table.mean(axis=tuple(axis for axis in range(3) if axis != place), keepdims=True) - grand
        for place, name in enumerate(names)
    }
    result = {
        name: float((effect**2).sum()) * table.size / effect.size / (effect.size - 1) for name, effect in main.items()
    }
    rest = table - grand - main["arm"] - main["seed"] - main["image"]
    for first, second in ((0, 1), (0, 2), (1, 2)):
        third = 3 - first - second
        both = rest.mean(axis=third, keepdims=True)
        degrees = (table.shape[first] - 1) * (table.shape[second] - 1)
        result[f"{names[first]} x {names[second]}"] = float((both**2).sum()) * table.shape[third] / degrees
        rest = rest - both
    degrees = int(np.prod([size - 1 for size in table.shape]))
    result["residual"] = float((rest**2).sum()) / degrees
    return result
