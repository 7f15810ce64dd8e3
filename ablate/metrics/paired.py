"""Features of the patches of images and of their reconstructions, as distances between sets are given them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ablate.metrics.distance import Matrix, as_matrix, finite

_NARROW = 128
"""Up to this many dimensions a distance takes a millisecond, and each image is left out by itself."""
_GROUPS = 20
"""Groups of images that are left out in turn above that."""


@dataclass(frozen=True, eq=False)
class PairedFeatures:
    """Features (n, d), float64, of originals and of reconstructions, patch by patch in the same order.

    Patches of one image follow each other. `counts` (images,) is how many each image has; `groups` (images,) the number
    of the group of images that it is left out with, where a jackknife leaves some out.
    """

    originals: Matrix
    reconstructions: Matrix
    counts: NDArray[np.intp]
    groups: NDArray[np.intp]

    @classmethod
    def of(cls, originals: Any, reconstructions: Any, counts: Sequence[int]) -> PairedFeatures:
        """Groups the images: each by itself, or a twentieth of them where a distance takes long.

        Args:
            originals: array or tensor (n, d), image after image.
            reconstructions: of the same patches.
            counts: how many patches each image has, (images,).

        Raises:
            ValueError: for values that are not finite.
        """
        a, b = finite("originals", as_matrix(originals)), finite("reconstructions", as_matrix(reconstructions))
        images = np.arange(len(counts))
        groups = images * min(len(counts), _GROUPS) // len(counts) if a.shape[1] > _NARROW else images
        return cls(a, b, np.asarray(counts), groups)

    @property
    def owners(self) -> NDArray[np.intp]:
        """The group of each patch, (n,)."""
        return np.repeat(self.groups, self.counts)

    @property
    def group_count(self) -> int:
        """Number of groups."""
        return int(self.groups[-1]) + 1

    def spread(self, by_group: Sequence[float | None]) -> list[float | None]:
        """Returns for each image what there is for its group, None for one without patches."""
        return [by_group[group] if patches else None for group, patches in zip(self.groups, self.counts, strict=True)]


@dataclass(frozen=True)
class SetScore:
    """A figure of a set, the same without the group of each image in turn, and what else was computed, by its suffix.

    None stands for a figure that is undefined, and for leaving out an image that has no part in it.
    """

    value: float | None
    without: Sequence[float | None]
    beside: Mapping[str, float] = field(default_factory=dict)
