"""Distances between the patches of originals and of reconstructions, with how uncertain they are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ablate.metrics import Estimate, Metric, PairedFeatures, Scope, of_replicates
from ablate.metrics.naming import group_column, kernel_name, on_set, split_name
from ablate.metrics.paired import SetScore


@dataclass(frozen=True)
class Distances:
    """Scores by the name of their metric, and the number of each image's group, None for an image without patches."""

    scores: Mapping[str, SetScore]
    groups: list[int | None]

    @property
    def values(self) -> dict[str, float | None]:
        """Every distance, and what was computed beside it; None where it is refused or undefined."""
        found = {name: score.value for name, score in self.scores.items()}
        for name, score in self.scores.items():
            plain, images = split_name(name)
            found |= {on_set(plain + suffix, images): value for suffix, value in score.beside.items()}
        return found

    def estimates(self) -> Iterator[tuple[str, Estimate]]:
        """Yields the uncertainty of each distance that is there with and without every image that has patches."""
        groups = [group for group in self.groups if group is not None]
        for name, score in self.scores.items():
            each = [replicate for replicate in score.without if replicate is not None]
            if score.value is not None and len(each) == len(groups):
                yield name, of_replicates(score.value, each, groups)


def replicate_rows(
    between: Sequence[Distances], weights: str, images: tuple[str, ...]
) -> Iterator[dict[str, Any]]:  # fmt: skip
    """Yields a row for each image: its group, and each distance without that group.

    Distances that group the images otherwise than the first have columns with the numbers of their own groups.
    """
    first = between[0].groups
    for index, image in enumerate(images):
        row: dict[str, Any] = {"weights": weights, "image": image, "group": first[index]}
        for each in between:
            row |= {name: score.without[index] for name, score in each.scores.items()}
            if each.groups != first:
                row |= {group_column(name): each.groups[index] for name in each.scores}
        yield row


def distances(metrics: Iterable[Metric], features: PairedFeatures, patch: int) -> Distances:
    """Measures features of patches of `patch` pixels by the metrics of sets."""
    undefined = SetScore(None, [None] * len(features.counts))
    scores = {
        metric.name: undefined if refusal(metric, features.counts.tolist(), patch) else metric.function(features)
        for metric in metrics
        if metric.scope is Scope.set
    }
    grouped = zip(features.groups.tolist(), features.counts.tolist(), strict=True)
    return Distances(scores, [group if patches else None for group, patches in grouped])


def refusal(metric: Metric, counts: Sequence[int], patch: int) -> str | None:
    """Says why so many patches of each image give no such distance; None where they do, though they may be few."""
    patches, images = sum(counts), sum(count > 0 for count in counts)
    if patches < 2:
        return f"{patches} patch{'' if patches == 1 else 'es'} of {patch} px; a distance needs 2"
    if images < metric.needs.images:
        return f"{patches} patches of {patch} px of one image; {metric.label} needs those of {metric.needs.images}"
    if patches >= metric.needs.patches:
        return None
    if metric.needs.extractor is None:
        return f"{patches} patches of {patch} px; {metric.label} needs {metric.needs.patches}"
    name, tap = metric.needs.extractor
    return (
        f"{patches} patches of {patch} px give a covariance of less than full rank in {tap} dimensions, and a "
        f"{metric.label} that compares with none; {metric.needs.enough_patches} patches are needed, and "
        f"{kernel_name(name, tap)} holds for fewer"
    )
