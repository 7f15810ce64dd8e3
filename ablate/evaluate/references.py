"""JPEG and WebP as reference codecs on a set of images at given bits, measured by the protocol of the cells.

At matched bits means, image by image, the best quality whose file is no larger than the given one: real files, and
none of them dearer. A format that has no file so small for some image has no figure at those bits: a mean over the
other images would be another number. What was measured is kept in a cache, which reports read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ablate.codecs.standard import STANDARD, StandardFormat
from ablate.config import RESULTS_VERSION, Evaluation, content_sha256
from ablate.data import Images
from ablate.records.figures import read_figures, write_figures

VERSION = 2
"""Raised when the same images and bits give other records than before."""

Limits = Sequence[int] | None
"""The most bytes that the file of each image may have; None for the smallest files that there are."""

Record = Mapping[str, Any]
"""Means over images of every metric that needs no symbols, by name, and None where an image has no such file; `missing`
names those images. Beside them `identical` counts the images that came back unchanged, `quality` is the lowest and
highest one taken, and `smallest` the mean bits per pixel of the smallest files."""


@dataclass(frozen=True)
class References:
    """Figures of standard codecs on `images` at each of the named limits, measured or still to be measured.

    `cache` is the directory where records are kept.
    """

    images: Images
    evaluation: Evaluation
    limits: Mapping[str, Limits]
    cache: Path

    def known(self) -> dict[str, dict[str, Record]] | None:
        """Returns the records by the name of their limit and the codec's, or None where some were not measured yet."""
        kept = {codec.label: self._kept(codec) for codec in STANDARD}
        if any(_key(limits) not in records for limits in self.limits.values() for records in kept.values()):
            return None
        return {
            name: {label: records[_key(limits)] for label, records in kept.items()}
            for name, limits in self.limits.items()
        }

    def missing(self) -> int:
        """Counts the records that are not known yet."""
        return sum(len(self._fresh(codec)) for codec in STANDARD)

    def measure(self, say: Callable[[str, int], None] = lambda _what, _images: None) -> int:
        """Measures what is not known yet and returns how many records that made.

        Args:
            say: told of each record, before, and how many images it is of.
        """
        count = 0
        for codec in STANDARD:
            fresh = self._fresh(codec)
            if not fresh:
                continue
            from ablate.evaluate.reference_measurer import Measurer  # imports torch, which what is known needs not

            measurer = Measurer(codec, self.images, self.evaluation, self.cache)
            made = {}
            for key, name in fresh.items():
                say(f"{codec.label}, {name}", len(self.images))
                made[key] = measurer.record(self.limits[name])
            # Another process may have added others meanwhile.
            write_figures(self._path(codec), self._whole(codec) | made)
            count += len(made)
        return count

    def _fresh(self, codec: StandardFormat) -> dict[str, str]:
        """Returns the name of each limit that a codec was not measured at, by its key."""
        kept = self._whole(codec)
        return {key: name for name, limits in self.limits.items() if (key := _key(limits)) not in kept}

    def _whole(self, codec: StandardFormat) -> dict[str, Record]:
        """Returns what is kept; of a damaged file nothing, so that all is measured and written anew."""
        try:
            return self._kept(codec)
        except ValueError:
            return {}

    def _kept(self, codec: StandardFormat) -> dict[str, Record]:
        return read_figures(self._path(codec)) or {}

    def _beyond_0_1(self) -> dict[str, Any]:
        """Returns what else is measured where an evaluation says more than one extractor."""
        views = [[view.name, view.tap, view.patch] for view in self.evaluation.views]
        own = [self.evaluation.extractor, self.evaluation.tap, self.evaluation.patch]
        more = {} if views == [own] else {"views": views}
        return more | ({"metrics": sorted(self.evaluation.metrics)} if self.evaluation.metrics else {})

    def _path(self, codec: StandardFormat) -> Path:
        """Returns where a codec's records lie: under a hash of all that they depend on but their limits.

        An extractor's name stands for its weights.
        """
        settings = {
            "version": [VERSION, RESULTS_VERSION],
            "pictures": self.images.identity,
            "codec": [codec.name, codec.version, codec.lowest, codec.highest, dict(codec.options)],
            "extractor": [self.evaluation.extractor, self.evaluation.tap],
            "patch": self.evaluation.patch,
        } | self._beyond_0_1()
        return self.cache / f"anchors-{codec.name.lower()}-{content_sha256(settings)[:16]}.json"


def _key(limits: Limits) -> str:
    return "smallest" if limits is None else content_sha256(list(limits))[:16]
