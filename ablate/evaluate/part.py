"""What is measured of every image: all of it, or the region that is kept, each by metrics of its own names."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ablate.config import Evaluation
from ablate.data import Images
from ablate.data.regions import Regions, draw
from ablate.evaluate.distances import Distances, distances
from ablate.evaluate.features import Look, as_tensor, view_of
from ablate.metrics import Metric, PairedFeatures, in_reading_order, metrics, patches
from ablate.metrics.naming import KEPT, on_set
from ablate.rng import stream


@dataclass(frozen=True, eq=False)
class KeptRegions:
    """The region of each image that is kept, bool (H, W): drawn by the image's name, the same for all codecs."""

    kind: Regions
    images: Images

    @classmethod
    def of(cls, evaluation: Evaluation, images: Images) -> KeptRegions | None:
        """Returns those that an evaluation asks for; None where all is kept."""
        return None if evaluation.kept == "all" else cls(evaluation.kept, images)

    def __getitem__(self, index: int) -> Tensor:
        maps, name = self.images.maps, self.images.names[index]
        planes = None if maps is None else as_tensor(maps[index])
        return draw(self.kind, self.images.shapes[index], planes, stream(0, f"evaluation.kept.{name}"))

    def inside(self, look: Look) -> Tensor:
        """Returns which patches of all images lie in their image's region as a whole, bool (n,)."""
        cut = (patches(self[index][None], look.view.patch, look.shift) for index in range(len(self.images)))
        return torch.cat([each.flatten(1).all(1) for each in cut])


@dataclass(frozen=True, eq=False)
class Part:
    """A part of every image, and how it is measured.

    Attributes:
        metrics: in reading order.
        looks: what distances between sets look through, with the originals' patches of this part.
        regions: None where it is the whole image.
        inside: of each look, which of all patches are of this part.
    """

    metrics: tuple[Metric, ...]
    looks: Sequence[Look]
    regions: KeptRegions | None = None
    inside: Sequence[Tensor | slice] = ()

    @classmethod
    def all_of(
        cls, evaluation: Evaluation, images: Images, looks: Sequence[Look], only: Collection[str] | None
    ) -> tuple[Part, ...]:
        """Returns the whole images, and the kept region where an evaluation has one, by the metrics that are wanted."""
        parts = [cls(wanted(evaluation, images, only), looks, inside=[slice(None)] * len(looks))]
        if (regions := KeptRegions.of(evaluation, images)) is not None:
            inside = [regions.inside(look) for look in looks]
            within = [look.within(each) for look, each in zip(looks, inside, strict=True)]
            parts.append(cls(wanted_in_regions(evaluation, only), within, regions, inside))
        return tuple(parts)

    def region(self, index: int) -> Tensor | None:
        """Returns the part of an image, bool (H, W); None for all of it."""
        return None if self.regions is None else self.regions[index]

    def distances(self, features: Sequence[Tensor]) -> Iterator[Distances]:
        """Yields the distances of each look, given the features (n, d) of all reconstructions' patches."""
        views = [look.view for look in self.looks]
        for look, each, inside in zip(self.looks, features, self.inside, strict=True):
            through = [metric for metric in self.metrics if view_of(metric, views) == look.view]
            yield distances(through, PairedFeatures.of(look.originals, each[inside], look.counts), look.view.patch)


def wanted(evaluation: Evaluation, images: Images, only: Collection[str] | None = None) -> tuple[Metric, ...]:
    """Returns the metrics of an evaluation; one that stands in for another only where images are too small for that."""
    found = in_reading_order([name for name in evaluation.measured if only is None or name in only])
    return tuple(each for each in found if not each.stands_in_for or too_small(metrics[each.stands_in_for], images))


def wanted_in_regions(evaluation: Evaluation, only: Collection[str] | None = None) -> tuple[Metric, ...]:
    """Returns the metrics of kept regions, as `psnr@kept`: of those that an evaluation measures all that have a form.

    One that stands in for another is measured beside it, as most regions are too small for that.
    """
    names = [name for name in evaluation.measured if metrics[name].regional and (only is None or name in only)]
    return in_reading_order([on_set(name, KEPT) for name in names])


def too_small(metric: Metric, images: Images) -> list[str]:
    """Names the images that a metric is not defined on."""
    sides = zip(images.names, images.shapes, strict=True)
    return sorted(name for name, shape in sides if min(shape) < metric.needs.smallest_side)
