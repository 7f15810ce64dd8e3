"""Other codecs on the images of cells, at qualities of their own: read from files, or measured as cells are and kept.

What was measured lies in the cache under a hash of all that it depends on, with its protocol; a report only reads it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ablate.codecs.command import Command, Failure
from ablate.codecs.standard import FORMATS
from ablate.config import RESULTS_VERSION, Data, Evaluation, content_sha256
from ablate.data.sets import count_of_set, prepare_set
from ablate.evaluate.curve import CurvePoint, Quality, ReferenceCurve, in_order
from ablate.evaluate.points_file import read_curve
from ablate.metrics.naming import TEST, on_set
from ablate.records import PlanRecord, Reference
from ablate.records.figures import read_figures, write_figures

VERSION = 1
"""Raised when the same codec and images give other records than before."""

QUALITIES = (10, 30, 50, 70, 90)
"""Of a format where the grid file gives none."""
ELSEWHERE = ("sets", "set_digests")
"""Settings of an evaluation that say nothing of how one set of images is measured."""


@dataclass(frozen=True)
class CodecReference:
    """A reference of a grid on the test images of its cells and on every named set; `directory` is the grid file's."""

    declared: Reference
    data: Data
    evaluation: Evaluation
    cache: Path
    directory: Path

    def curve(self) -> ReferenceCurve | None:
        """Returns the points, None where they are still to be measured.

        Raises:
            ValueError or OSError: where a file of points cannot be read.
        """
        if self.declared.file:
            return self._from_file(Path(self.declared.file))
        kept = {images: record for images in self.sets if (record := read_figures(self.path(images))) is not None}
        if not kept:
            return None
        version = next(iter(kept.values()))["version"]
        return ReferenceCurve(self.declared.label, tuple(in_order(_joined(kept))), version, _protocol(kept))

    def missing(self) -> tuple[str, ...]:
        """Returns the sets of images on which it is to be measured: not yet, by another version, or in too little time.

        Raises:
            ValueError: for a format that Pillow lacks.
        """
        if self.declared.file:
            return ()
        version = self.version()
        records = {images: read_figures(self.path(images)) for images in self.sets}
        return tuple(
            images
            for images, record in records.items()
            if record is None or record["version"] != version or self._had_other_time(record)
        )

    def _had_other_time(self, record: Mapping[str, Any]) -> bool:
        """Says whether a program was stopped at another timeout than it has now."""
        kinds = {kind for at in record["points"] for _, kind, _ in at["failed"]}
        return Failure.timeout in kinds and record.get("timeout") != self.declared.timeout

    def images_missing(self) -> int:
        """Counts the images that are to be coded and measured, each once a quality.

        Raises:
            ValueError: as `missing` does.
        """
        sets = [count_of_set(self.data, self.evaluation, images, self.cache) for images in self.missing()]
        return len(self.qualities) * sum(sets)

    def measure(self, say: Callable[[str, int], None] = lambda _what, _images: None) -> int:
        """Measures what is missing and returns how many points that made.

        Args:
            say: told of each point, before, and how many images it has.

        Raises:
            ValueError: for a format that Pillow lacks, or a file of points that cannot be read.
            OSError: where the images or a file are not there.
        """
        if self.declared.file:
            self.curve()
        made = 0
        for images in self.missing():
            from ablate.evaluate.reference_codec import measure_codec  # imports torch, which what is known needs not

            def say_where(what: str, count: int, on: str = "" if images == TEST else f" on {images}") -> None:
                say(what + on, count)

            decoded = prepare_set(self.data, self.evaluation, images, self.cache)
            points, protocol = measure_codec(
                self.declared, self.qualities, decoded, self.evaluation, self.cache, self.directory, say_where
            )
            found = [{"quality": at.quality, "values": dict(at.values), "failed": list(at.failed)} for at in points]
            about = {"label": self.declared.label, "version": self.version(), "timeout": self.declared.timeout}
            write_figures(self.path(images), {**about, "points": found, "protocol": protocol})
            made += len(points)
        return made

    def version(self) -> str:
        """Returns what tells the encoder from another one: the library's version, or a hash of the programs.

        Raises:
            ValueError: for a format that Pillow lacks.
        """
        if self.declared.codec is None:
            return f"sha256 {Command(self.declared.command, self.declared.timeout, self.directory).digest()[:16]}"
        FORMATS[self.declared.codec].require()
        return FORMATS[self.declared.codec].version

    @property
    def qualities(self) -> tuple[Quality, ...]:
        """The qualities that it is measured at; a program without any has one point."""
        return self.declared.qualities or (QUALITIES if self.declared.codec else (None,))

    @property
    def sets(self) -> tuple[str, ...]:
        """The names of the sets that it is measured on; nothing is chosen by other codecs, so not for validation."""
        return self.evaluation.set_names

    def path(self, images: str) -> Path:
        """Returns where its points on a set of images lie."""
        evaluation = self.evaluation.model_dump(mode="json")
        digest = self.data.test_digest if images == TEST else self.evaluation.set_digests.get(images)
        settings = {
            "version": [VERSION, RESULTS_VERSION],
            "images": [digest, self.data.colour_profiles, self.data.on_bad_image],
            "codec": self.declared.codec,
            "command": [*self.declared.command, str(self.directory)] if self.declared.command else [],
            "qualities": list(self.qualities),
            "evaluation": {key: value for key, value in evaluation.items() if key not in ELSEWHERE},
        }
        return self.cache / f"reference-{content_sha256(settings)[:16]}.json"

    def _from_file(self, path: Path) -> ReferenceCurve:
        own = self.declared
        found = read_curve(path, own.columns, model=own.curve, dataset=own.dataset)
        digests = {TEST: self.data.test_digest or "", **self.evaluation.set_digests}
        # Figures of a named set are called so; those of images that nobody knows have plain names, and are refused.
        where = next((name for name, digest in digests.items() if own.images and digest.startswith(own.images)), TEST)
        points = tuple(CurvePoint(None, _named(values, where)) for values in found.points)
        return ReferenceCurve(own.label, points)


def _joined(kept: Mapping[str, Any]) -> list[CurvePoint]:
    """Returns a point for each quality with the figures of all sets of images."""
    values: dict[Quality, dict[str, float | None]] = {}
    failed: dict[Quality, list[tuple[str, str, str]]] = {}
    for images, record in kept.items():
        for at in record["points"]:
            quality = at["quality"]
            values.setdefault(quality, {}).update(_named(at["values"], images))
            where = "" if images == TEST else f"{images}/"
            failed.setdefault(quality, []).extend((where + image, kind, why) for image, kind, why in at["failed"])
    return [CurvePoint(quality, found, tuple(failed[quality])) for quality, found in values.items()]


def _protocol(kept: Mapping[str, Any]) -> dict[str, Any]:
    return {
        on_set(name, images): facts for images, record in kept.items() for name, facts in record["protocol"].items()
    }


def _named(values: Mapping[str, float | None], images: str) -> dict[str, float | None]:
    return {on_set(name, images): value for name, value in values.items()}


def references_of(plan: PlanRecord, cache: Path) -> list[CodecReference]:
    """Returns the references of a grid on the images of its first cell."""
    if not plan.references:
        return []
    cell = plan.points[0].cell
    data, evaluation = Data.model_validate(cell["data"]), Evaluation.model_validate(cell["evaluation"])
    return [CodecReference(each, data, evaluation, cache, Path(plan.directory)) for each in plan.references]
