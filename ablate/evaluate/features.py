"""The originals' features, which every cell of a grid needs and none has to compute twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ablate import metrics
from ablate.atomic import write_with
from ablate.config import RESULTS_VERSION, content_sha256
from ablate.config.evaluation import View
from ablate.data import Images


@dataclass(frozen=True, eq=False)
class Look:
    """Patches of all originals as a network sees them: features (n, tap), and how many each image has."""

    view: View
    extractor: metrics.Extractor
    originals: Tensor
    counts: list[int]

    @classmethod
    def through(cls, view: View, images: Images, cache: Path, device: str = "cpu") -> Look:
        """Looks at all patches of the images; what was seen is kept in the directory `cache`.

        Raises:
            ValueError: for weights that are absent or other ones.
        """
        network = metrics.extractor(view.name, tap=view.tap, device=device)
        seen = original_features(network, view.patch, images, cache)
        counts = [metrics.patch_count(*shape, view.patch, _shift(view.patch)) for shape in images.shapes]
        return cls(view, network, seen, counts)

    @property
    def shift(self) -> int:
        """By how many pixels the second grid of patches is shifted."""
        return _shift(self.view.patch)

    def within(self, inside: Tensor) -> Look:
        """Returns the same look at those patches alone that are inside, bool (n,)."""
        counts = [int(each.sum()) for each in inside.split(self.counts)]
        return replace(self, originals=self.originals[inside], counts=counts)


def view_of(metric: metrics.Metric, views: Sequence[View]) -> View | None:
    """Returns the view that a metric of sets looks through: its own, or the first; None for a metric of images."""
    if metric.scope is not metrics.Scope.set:
        return None
    return next((view for view in views if metric.needs.extractor in (None, (view.name, view.tap))), None)


def original_features(extractor: metrics.Extractor, patch: int, images: Images, directory: Path) -> Tensor:
    """Returns the features (n, tap) of all patches of `images`, from `directory` where some process left them.

    What is kept stands under a hash of all that it depends on: images, weights, tap, patches, device, code version.
    """
    network = (extractor.name, extractor.tap, extractor.weights_sha256, extractor.preprocessing)
    settings = {
        "results_version": RESULTS_VERSION,
        "pictures": images.identity,
        "extractor": [*network, torch.device(extractor.device).type],
        "patch": patch,
    }
    path = directory / f"features-{content_sha256(settings)[:16]}.npy"
    if not path.exists():
        # Workers that begin at once compute the same bytes, and the last one's stay.
        found = torch.cat([image_features(extractor, as_tensor(each), patch) for each in images])
        write_with(path, lambda file: np.save(file, found.numpy()))
    return torch.from_numpy(np.load(path))


def image_features(extractor: metrics.Extractor, image: Tensor, patch: int) -> Tensor:
    """Returns the features (n, tap) of the patches of a uint8 image (3, H, W), none for one smaller than a patch."""
    cut = metrics.patches(image, patch, _shift(patch))
    return extractor(cut) if len(cut) else torch.empty(0, extractor.tap)


def _shift(patch: int) -> int:
    return patch // 2


def as_tensor(pixels: NDArray[np.uint8]) -> Tensor:
    """Copies an image out of the cache, which is mapped read-only."""
    return torch.from_numpy(pixels.copy())
