"""One standard codec on one set of images, each image at each quality measured once."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ablate import metrics
from ablate.codecs.standard import StandardFormat
from ablate.config import Evaluation
from ablate.cores import cores
from ablate.data import Images
from ablate.evaluate.distances import patch_scores
from ablate.evaluate.features import as_tensor, image_features, original_features
from ablate.evaluate.images_table import similarity


@dataclass(frozen=True)
class Measured:
    """One file, decoded and measured."""

    quality: int
    bits_per_pixel: float
    psnr: float | None
    ms_ssim: float | None
    features: Tensor


class Measurer:
    """Measures a codec on images, each image at each quality once."""

    def __init__(self, codec: StandardFormat, images: Images, evaluation: Evaluation, cache: Path) -> None:
        self.codec, self.images, self.evaluation = codec, images, evaluation
        self.extractor = metrics.extractor(evaluation.extractor, tap=evaluation.tap)
        self.originals: Callable[[], Tensor] = functools.cache(
            lambda: original_features(self.extractor, evaluation.patch, images, cache)
        )
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
        names = ("psnr", "ms_ssim", "bpp_actual", self.evaluation.distance, self.evaluation.kernel)
        if not found:
            return {**dict.fromkeys(names), "quality": None}
        counts = [len(each.features) for each in found]
        distances = patch_scores(
            self.evaluation, self.originals(), torch.cat([each.features for each in found]), counts=counts
        ).values
        return {
            "psnr": _mean([each.psnr for each in found]),
            "ms_ssim": _mean([each.ms_ssim for each in found]),
            "bpp_actual": _mean([each.bits_per_pixel for each in found]),
            **{name: distances[name] for name in names[3:]},
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
        original = as_tensor(self.images[number])
        decoded = self.codec.at(quality).decode(file)
        pair = original[None], decoded[None]
        return Measured(
            quality=quality,
            bits_per_pixel=8 * len(file) / self._pixels(number),
            psnr=float(metrics.psnr(*pair)) if int(metrics.sse(*pair)) else None,
            ms_ssim=similarity(*pair, three_scales=False)["ms_ssim"],
            features=image_features(self.extractor, decoded, self.evaluation.patch),
        )


def _mean(values: Sequence[float | None]) -> float | None:
    there = [value for value in values if value is not None]
    return sum(there) / len(there) if there else None
