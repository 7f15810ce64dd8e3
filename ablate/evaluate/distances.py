"""What the patches of a cell's reconstructions say about it: distances between sets and how uncertain they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor

from ablate import metrics
from ablate.config import Evaluation
from ablate.metrics.distance import frechet_without
from ablate.metrics.kernel import image_sums, kid_without

_NARROW = 128
"""Up to this many dimensions a distance takes a millisecond, and each image is left out by itself."""
_GROUPS = 20
"""How many groups of images are left out in turn above that."""


@dataclass(frozen=True)
class PatchScores:
    """The distances by name, None where refused; the same without each image; and each image's group."""

    values: Mapping[str, float | None]
    without: Mapping[str, list[float | None]]
    groups: list[int]

    def estimates(self) -> Iterator[tuple[str, metrics.Estimate]]:
        """Yields the uncertainty of each distance that is there with and without every image."""
        for name, without in self.without.items():
            value = self.values[name]
            each = [replicate for replicate in without if replicate is not None]
            if value is not None and len(each) == len(without):
                yield name, metrics.of_replicates(value, each, self.groups)

    def rows(self, weights: str, images: tuple[str, ...]) -> Iterator[dict[str, Any]]:
        """Yields a row for each image: its group, and each distance without that group."""
        for index, image in enumerate(images):
            left_out = {name: values[index] for name, values in self.without.items()}
            yield {"weights": weights, "image": image, "group": self.groups[index], **left_out}


def patch_scores(evaluation: Evaluation, originals: Tensor, reconstructions: Tensor, counts: list[int]) -> PatchScores:
    """Measures features (n, d) of reconstructions against those of their originals.

    Args:
        evaluation: which names the distances.
        originals: of all patches, image after image.
        reconstructions: of the same patches.
        counts: how many patches each image has, (images,).
    """
    wide = originals.shape[1] > _NARROW
    groups = np.arange(len(counts)) * min(len(counts), _GROUPS) // len(counts) if wide else np.arange(len(counts))
    values: dict[str, float | None] = {evaluation.distance: None, evaluation.kernel: None}
    without: dict[str, list[float | None]] = {name: [None] * len(counts) for name in values}
    if len(originals) >= 2:
        a, b = originals.double().numpy(), reconstructions.double().numpy()
        sums, members = image_sums(a, b, counts), [np.flatnonzero(groups == g) for g in range(groups.max() + 1)]
        values[evaluation.kernel] = kid_without(sums, counts)
        without[evaluation.kernel] = _spread([kid_without(sums, counts, each) for each in members], groups)
        if refusal(evaluation, len(a)) is None:
            values[evaluation.distance] = metrics.frechet_distance(a, b)
            distances = frechet_without(a, b, np.repeat(groups, counts), len(members))
            without[evaluation.distance] = _spread(distances, groups)
        if len(a) >= enough(evaluation):
            values[f"{evaluation.distance}_infinity"] = metrics.frechet_infinity(a, b)
    return PatchScores(values, without, groups.tolist())


def enough(evaluation: Evaluation) -> int:
    """Returns how many patches the Fréchet distance needs before its excess falls like 1 / n: twice its dimensions."""
    return 2 * evaluation.tap


def refusal(evaluation: Evaluation, patches: int) -> str | None:
    """Says why there is no Fréchet distance; None where there is one, which may still be marked as of few patches."""
    if patches < 2:
        return f"{patches} patches of {evaluation.patch} px; a distance needs 2"
    if evaluation.distance == "fid" and patches <= evaluation.tap:
        return (
            f"{patches} patches of {evaluation.patch} px give a covariance of less than full rank in {evaluation.tap} "
            f"dimensions, and a FID that compares with none; {enough(evaluation)} patches are needed, and "
            f"{evaluation.kernel} holds for fewer"
        )
    return None


def _spread(by_group: list[float | None], groups: Any) -> list[float | None]:
    return [by_group[group] for group in groups]
