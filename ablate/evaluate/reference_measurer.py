"""Measures one standard codec on one set of images, each image at each quality once."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ablate.codecs.standard import StandardFormat
from ablate.config import Evaluation
from ablate.cores import cores
from ablate.data import Images
from ablate.evaluate.distances import distances
from ablate.evaluate.features import Look, as_tensor, image_features, view_of
from ablate.evaluate.images_table import Values, figures_of
from ablate.evaluate.part import wanted
from ablate.metrics import CodedImage, PairedFeatures, Scope


@dataclass(frozen=True)
class Measured:
    """One file, decoded and measured; `features` are those of its patches, (n, d), by look.

    `identical` says whether it is the original to the last pixel, whose PSNR is infinite and in no mean.
    """

    quality: int
    values: Values
    identical: bool
    features: list[Tensor]


class Measurer:
    """Measures a codec on images, each image at each quality once."""

    def __init__(self, codec: StandardFormat, images: Images, evaluation: Evaluation, cache: Path) -> None:
        self.codec, self.images = codec, images
        self.views = evaluation.views
        self.looks = [Look.through(view, images, cache) for view in self.views]
        self.metrics = [each for each in wanted(evaluation, images) if not each.needs.symbols]
        self.file = functools.cache(self._file)
        self.measured = functools.cache(self._measured)

    def record(self, limits: Sequence[int] | None) -> dict[str, Any]:
        """Returns the record for files of at most so many bytes an image, of the smallest files for None."""
        numbers = range(len(self.images))
        # Files are made in threads, and looked at in this one: the switches of an exact network are the process's.
        with ThreadPoolExecutor(cores()) as pool:
            smallest = list(pool.map(self._smallest, numbers))
            qualities = list(pool.map(self._quality, numbers, limits or smallest))
        missing = [self.images.names[n] for n, quality in enumerate(qualities) if quality is None]
        sizes = [None if size is None else 8 * size / self._pixels(n) for n, size in enumerate(smallest)]
        known = [size for size in sizes if size is not None]
        record: dict[str, Any] = {
            "smallest": sum(known) / len(known) if len(known) == len(sizes) else None,
            "missing": missing,
            "pictures": len(self.images),
        }
        found = [] if missing else list(map(self.measured, numbers, qualities))
        return record | self._figures(found)

    def _figures(self, found: Sequence[Measured]) -> dict[str, Any]:
        if not found:
            return {**dict.fromkeys(metric.name for metric in self.metrics), "identical": None, "quality": None}
        between: dict[str, float | None] = {}
        for number, look in enumerate(self.looks):
            features = torch.cat([each.features[number] for each in found])
            through = [metric for metric in self.metrics if view_of(metric, self.views) == look.view]
            paired = PairedFeatures.of(look.originals, features, look.counts)
            between |= distances(through, paired, look.view.patch).values
        return {
            **{name: _mean([each.values[name] for each in found]) for name in found[0].values},
            **{metric.name: between[metric.name] for metric in self.metrics if metric.scope is Scope.set},
            "identical": sum(each.identical for each in found),
            "quality": [min(each.quality for each in found), max(each.quality for each in found)],
        }

    def _quality(self, number: int, limit: int | None) -> int | None:
        """Returns the best quality whose file is within the limit, by bisection; None where there is none."""
        smallest = self._smallest(number)
        if limit is None or smallest is None or smallest > limit:
            return None
        low, high = self.codec.lowest, self.codec.highest + 1
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if len(self.file(number, middle)) <= limit else (low, middle)
        return low

    def _smallest(self, number: int) -> int | None:
        """Returns the bytes of the file of lowest quality, None where the format cannot hold the image."""
        try:
            return len(self.file(number, self.codec.lowest))
        except ValueError:
            return None

    def _pixels(self, number: int) -> int:
        height, width = self.images.shapes[number]
        return height * width

    def _file(self, number: int, quality: int) -> bytes:
        return self.codec.at(quality).encode(as_tensor(self.images[number]))

    def _measured(self, number: int, quality: int) -> Measured:
        file = self.file(number, quality)
        original, decoded = as_tensor(self.images[number]), self.codec.at(quality).decode(file)
        coded = CodedImage(len(file), *self.images.shapes[number])
        values = figures_of(self.metrics, coded, original, decoded).values
        features = [image_features(look.extractor, decoded, look.view.patch) for look in self.looks]
        return Measured(quality, values, torch.equal(decoded, original), features)


def _mean(values: Sequence[float | None]) -> float | None:
    there = [value for value in values if value is not None]
    return sum(there) / len(there) if there else None
