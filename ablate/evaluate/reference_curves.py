"""Other codecs on the test images, at qualities of their own: read from files, or measured as the cells are and kept.

What was measured lies in the cache under a hash of all that it depends on, with its protocol; a report only reads it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ablate.atomic import read_json, write_json
from ablate.codecs.command import Command
from ablate.codecs.standard import FORMATS
from ablate.config import RESULTS_VERSION, Data, Evaluation, content_sha256
from ablate.evaluate.curve import CurvePoint, Quality, ReferenceCurve
from ablate.evaluate.points_file import read_curve
from ablate.records import PlanRecord, Reference

VERSION = 1
"""Raised when the same codec and images give other records than before."""

QUALITIES = (10, 30, 50, 70, 90)
"""Of a format where the grid file gives none."""
ELSEWHERE = ("sets", "set_digests")
"""Settings of an evaluation that say nothing of the test images."""


@dataclass(frozen=True)
class CodecReference:
    """A reference of a grid on the test images of its cells; `directory` is that of the grid file."""

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
        record = read_json(self.path)
        if record is None:
            return None
        points = [CurvePoint(at["quality"], at["values"], tuple(map(tuple, at["failed"]))) for at in record["points"]]
        return ReferenceCurve(self.declared.label, tuple(points), record["version"], record["protocol"])

    def measure(self, say: Callable[[str], None] = lambda _: None) -> int:
        """Measures what is not known yet, or was measured with another version, and returns how many points that made.

        Raises:
            ValueError: for a format that Pillow lacks, or a file of points that cannot be read.
            OSError: where the images or a file are not there.
        """
        if self.declared.file:
            self.curve()
            return 0
        version, kept = self.version(), read_json(self.path)
        if kept is not None and kept["version"] == version:
            return 0
        from ablate.evaluate.reference_codec import measure_codec  # imports torch, which what is known needs not

        say(f"measuring {self.declared.label}, which is kept for other reports")
        points, protocol = measure_codec(
            self.declared, self.qualities, self.data, self.evaluation, self.cache, self.directory, say
        )
        found = [{"quality": at.quality, "values": dict(at.values), "failed": list(at.failed)} for at in points]
        record = {"label": self.declared.label, "version": version, "points": found, "protocol": protocol}
        write_json(self.path, record)
        return len(points)

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
    def path(self) -> Path:
        """Where its points lie."""
        evaluation = self.evaluation.model_dump(mode="json")
        settings = {
            "version": [VERSION, RESULTS_VERSION],
            "images": [self.data.test_digest, self.data.colour_profiles, self.data.on_bad_image],
            "codec": self.declared.codec,
            "command": [*self.declared.command, str(self.directory)] if self.declared.command else [],
            "qualities": list(self.qualities),
            "evaluation": {key: value for key, value in evaluation.items() if key not in ELSEWHERE},
        }
        return self.cache / f"reference-{content_sha256(settings)[:16]}.json"

    def _from_file(self, path: Path) -> ReferenceCurve:
        own = self.declared
        found = read_curve(path, own.columns, model=own.curve, dataset=own.dataset)
        points = tuple(CurvePoint(None, values) for values in found.points)
        return ReferenceCurve(own.label, points)


def references_of(plan: PlanRecord, cache: Path) -> list[CodecReference]:
    """Returns the references of a grid on the test images of its first cell."""
    if not plan.references:
        return []
    cell = plan.points[0].cell
    data, evaluation = Data.model_validate(cell["data"]), Evaluation.model_validate(cell["evaluation"])
    return [CodecReference(each, data, evaluation, cache, Path(plan.directory)) for each in plan.references]
