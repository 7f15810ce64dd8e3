"""The tracker `tensorboard`: event files, a directory a run, as `tensorboard --logdir` reads them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ablate.plugins import tracker
from ablate.records import Status
from ablate.trackers.continued import FINAL, Continued, Images, place, png
from ablate.trackers.tracker import TrackedRun, Tracker

if TYPE_CHECKING:
    import numpy as np

NAME_CHARACTERS = 150
"""Of a run's directory, whose name a file system may limit to 255 bytes."""


class EventFiles:
    """A writer of a run's directory; what stands there of steps after `step` is void from now on."""

    def __init__(self, directory: Path, step: int) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self.told, self.measured = _kept(directory, step)
        self._parameters: dict[str, Any] = {}
        self._writer = SummaryWriter(str(directory), purge_step=step + 1 if directory.exists() else None)

    def parameters(self, settings: Mapping[str, Any]) -> None:
        self._parameters = {
            key: value if isinstance(value, bool | int | float | str) else str(value) for key, value in settings.items()
        }
        _, begins, _ = self._hyper_parameters({})
        self._add(begins, None)
        self._writer.flush()

    def numbers(self, step: int, found: Mapping[str, float]) -> None:
        self._add_numbers(step, found)
        self._writer.flush()  # a kill loses nothing that a checkpoint is beyond

    def sheet(self, step: int, pixels: np.ndarray) -> None:
        self._add_image("batch/image above reconstruction", step, pixels.shape[:2], png(pixels))

    def reconstruction(self, step: int, name: str, file: Path) -> None:
        from PIL import Image

        with Image.open(file) as image:
            width, height = image.size
        self._add_image(f"test/{name}", step, (height, width), file.read_bytes())

    def event(self, step: int, kind: str, detail: str) -> None:
        self._writer.add_text(f"event/{kind}", detail, step)
        self._writer.flush()

    def end(self, status: Status, step: int, figures: Mapping[str, float]) -> None:
        self._add_numbers(step, figures)
        if status.finished and not self.measured:
            experiment, _, ends = self._hyper_parameters(figures)
            for summary in (experiment, ends) if figures else (ends,):
                self._add(summary, None)
        self._writer.add_text("status", status.value, step)
        self._writer.close()

    def _hyper_parameters(self, figures: Mapping[str, float]) -> tuple[Any, Any, Any]:
        """Returns what the HParams page is made of: what there is to show, how the run began, and that it ended.

        TensorBoard keeps the first of each that it finds, and `add_hparams` would open another directory.
        """
        from torch.utils.tensorboard.summary import hparams

        return hparams(self._parameters, dict(figures))

    def _add_numbers(self, step: int, found: Mapping[str, float]) -> None:
        from tensorboard.compat.proto.summary_pb2 import Summary

        # All in one event: `add_scalar` makes one of each.
        self._add(Summary(value=[Summary.Value(tag=name, simple_value=value) for name, value in found.items()]), step)

    def _add_image(self, tag: str, step: int, size: tuple[int, ...], content: bytes) -> None:
        from tensorboard.compat.proto.summary_pb2 import Summary

        height, width = size
        image = Summary.Image(height=height, width=width, colorspace=3, encoded_image_string=content)
        self._add(Summary(value=[Summary.Value(tag=tag, image=image)]), step)

    def _add(self, summary: Any, step: int | None) -> None:
        writer: Any = self._writer.file_writer
        writer.add_summary(summary, step)


def _kept(directory: Path, step: int) -> tuple[int, bool]:
    """Returns the last log point up to `step` that stands in a directory, 0 where none does, and whether figures do."""
    if not any(directory.glob("events.out.tfevents.*")):
        return 0, False
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    found = EventAccumulator(str(directory), {"scalars": 0, "images": 1, "tensors": 1}).Reload()
    names = found.Tags()["scalars"]
    steps = [each.step for each in (found.Scalars("t") if "t" in names else ()) if each.step <= step]
    return max(steps, default=0), any(name.startswith(FINAL) for name in names)


def _directory(run: TrackedRun, directory: Path) -> Path:
    """Returns the directory of a run: that which ends with its id, also where it had another label."""
    known = next(iter(sorted(directory.glob(f"*{run.id}"))), None)
    return known or directory / re.sub(r"[/\\]", "_", f"{run.label[:NAME_CHARACTERS]} {run.id}".strip())


PRELOAD = ("tensorboard", "torch.utils.tensorboard", "tensorboard.plugins.hparams.api_pb2", "PIL.GifImagePlugin")


@tracker(source="https://www.tensorflow.org/tensorboard", preload=PRELOAD)
def tensorboard(run: TrackedRun, *, directory: str = "tensorboard", images: Images = 5) -> Tracker:
    """Writes event files into `directory`, a relative one in the results of the grid; about `images` sheets of images.

    `tensorboard --logdir runs/GRID/tensorboard` shows them.
    """
    return Continued(run, EventFiles(_directory(run, place(run, directory)), run.step), images)
