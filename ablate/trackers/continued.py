"""A tracker that keeps a run elsewhere: what all of them do alike, whatever keeps it.

Every log point is told once, also where several attempts come to it: a training that goes on repeats what it did bit
for bit. So is what happened, but for how each attempt began.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Protocol

from annotated_types import Ge

from ablate.records import MetricRow, Status
from ablate.records.settings import last_step
from ablate.records.weights import WEIGHTS
from ablate.settings import flat
from ablate.store import Entry
from ablate.trackers.tracker import Figures, TrackedRun, numbers

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

Images = Annotated[int, Ge(0)]
"""About how many sheets of images a training leaves; without any, no reconstruction either."""
SHOWN_OF_A_BATCH = 4
"""Images of a batch that are shown side by side."""
FINAL = "final/"
"""How the names of final figures begin."""
SHOWN_AT_THE_END = 2
"""Test images whose reconstructions are shown once they were measured."""


class Keeper(Protocol):
    """Where a run is kept: the part that differs from tracker to tracker."""

    told: int
    """The last step that is kept already when the attempt begins, 0 where there is none."""
    measured: bool
    """Whether final figures are kept already."""

    def parameters(self, settings: Mapping[str, Any]) -> None:
        """Keeps the settings by dotted key as hyper-parameters; they may stand there already."""

    def numbers(self, step: int, found: Mapping[str, float]) -> None:
        """Keeps the numbers of a log point by name."""

    def sheet(self, step: int, pixels: np.ndarray) -> None:
        """Keeps images of a batch above their reconstructions, uint8 (H, W, 3)."""

    def reconstruction(self, step: int, name: str, file: Path) -> None:
        """Keeps the reconstruction of a test image, a PNG."""

    def event(self, step: int, kind: str, detail: str) -> None:
        """Keeps what happened at a step."""

    def end(self, status: Status, step: int, figures: Mapping[str, float]) -> None:
        """Keeps the final figures by name, where there are new ones, and ends the attempt after its last step."""


class Continued:
    """Tells a keeper of an attempt at a training."""

    def __init__(self, run: TrackedRun, keeper: Keeper, images: Images) -> None:
        self._run = run
        self._keeper = keeper
        self._images = images
        self._step = run.step
        self._steps = 0
        self._sheets = 0

    def settings(self, settings: Mapping[str, Any]) -> None:
        content = settings.get("cell") or settings.get("warmup") or {}
        self._steps = last_step(content) if "train" in content else int(content.get("steps", 0))
        self._sheets = self._due(self._run.step)
        leaves = flat(content, terms_apart=True)
        self._keeper.parameters({key: value for key, value in leaves.items() if value != {}})
        for row in self._run.earlier:
            self.scalars(row)

    def scalars(self, row: MetricRow) -> None:
        self._step = row.step
        if row.step > self._keeper.told:
            found = {name: value for name, value in numbers(row).items() if value is not None and name != "step"}
            self._keeper.numbers(row.step, found)

    def images(self, step: int, images: Mapping[str, Tensor]) -> None:
        due = self._due(step)
        if step <= self._keeper.told or not (due > self._sheets or (step == 1 and self._images)):
            return
        self._sheets = due
        if all(bool(batch.isfinite().all()) for batch in images.values()):  # NaN has no pixel value
            self._keeper.sheet(step, _sheet(images))

    def event(self, step: int, kind: str, detail: str) -> None:
        # How an attempt began is its own; only what it did from there on may repeat an earlier one.
        if step > self._keeper.told or (step <= self._run.step and not self._run.over):
            self._keeper.event(step, kind, detail)

    def close(self, status: Status, figures: Figures) -> None:
        if self._keeper.measured:
            figures = {}
        elif status is Status.done:
            recons = Entry(self._run.directory).recons(WEIGHTS[0])
            for file in recons[: SHOWN_AT_THE_END if self._images else 0]:
                self._keeper.reconstruction(self._step, file.stem, file)
        final = {
            f"{FINAL}{weights}/{metric}": value
            for weights, found in figures.items()
            for metric, value in found.items()
            if value is not None
        }
        self._keeper.end(status, self._step, final)

    def _due(self, step: int) -> int:
        """Returns how many sheets there are by a step; the last one is that of the last step."""
        return self._images * step // self._steps if self._steps else 0


def _sheet(images: Mapping[str, Tensor]) -> np.ndarray:
    """Returns a batch as one image: a row of it for each name."""
    import numpy as np

    from ablate.pixels import to_uint8

    rows = [to_uint8(batch[:SHOWN_OF_A_BATCH].detach().float()).cpu().numpy() for batch in images.values()]
    return np.concatenate([np.concatenate(list(row.transpose(0, 2, 3, 1)), axis=1) for row in rows])


def png(pixels: np.ndarray) -> bytes:
    """Returns pixels as a PNG: a third larger than the smallest, in a quarter of the time."""
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG", compress_level=1)
    return file.getvalue()


def run_name(run: TrackedRun) -> str:
    """Returns what people call a run: its label, and its id, which two labels never share."""
    return f"{run.label} {run.id}".strip()


def place(run: TrackedRun, directory: str) -> Path:
    """Returns an absolute directory; a relative one lies in the results of the grid."""
    return (run.results / directory).absolute()
