"""One measurement of a finished cell: its sealed weights on a set of images, to the committed record."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from ablate.codecs.trained import TrainedCodec
from ablate.config import RESULTS_VERSION, Cell, Taught
from ablate.data.sets import prepare_set
from ablate.evaluate.measure import measure
from ablate.evaluate.parameters import codec_facts
from ablate.metrics.naming import TEST
from ablate.records import WEIGHTS, Measurement, MeasurementSettings, MetricRow, Status
from ablate.store import Entry
from ablate.store.artefacts import artefacts
from ablate.store.weights import load
from ablate.train.outcome import Outcome

ROW_SECONDS = 0.5
"""How long there is no row of telemetry at the most, beside the time that one image takes."""


class _StoppedError(Exception):
    """The run ends before all images were measured."""


def run_measurement(
    settings: MeasurementSettings,
    entry: Entry,
    *,
    of: Entry,
    data_cache: Path,
    device: str,
    attempt: int,
    stop: Callable[[], bool],
) -> Outcome:
    """Measures a cell and commits the record; whatever was begun before is done again.

    Args:
        settings: what is measured.
        entry: where tables, reconstructions and record go.
        of: the finished cell.
        data_cache: where decoded images and features of originals lie.
        device: where codec and feature extractors run.
        attempt: the number of this attempt, for telemetry.
        stop: whether to end early.

    Raises:
        ValueError: where weights or images are not those that the settings name.
    """
    began = time.perf_counter()
    cell = Cell.model_validate(settings.cell)
    codecs: dict[str, TrainedCodec] = {name: load(of, name, device) for name in reversed(WEIGHTS)}
    images = prepare_set(cell.data, cell.evaluation, settings.images, data_cache)
    progress = _Progress(entry, attempt, stop)
    earlier = [place for place, record in of.measurements() if record.digest == settings.digest]
    try:
        found = measure(
            codecs,
            cell.evaluation,
            images,
            entry,
            cache=data_cache,
            device=device,
            taught=Taught.by(cell),
            only=settings.metrics,
            there=[*([of] if settings.images == TEST else []), *earlier],
            done=progress,
        )
    except _StoppedError:
        return Outcome(Status.interrupted, 0, time.perf_counter() - began)  # it begins anew
    seconds = time.perf_counter() - began
    record = {
        "schema": 1,
        "id": settings.id,
        "results_version": RESULTS_VERSION,
        **{name: getattr(settings, name) for name in ("of", "weights", "images", "digest")},
        "time": time.time(),
        "status": Status.done,
        "step": progress.count,
        "seconds": seconds,
        "eval_seconds": seconds,
        "metrics": found.metrics,
        "uncertainty": found.uncertainty,
        "protocol": found.protocol,
        "codec": codec_facts(cell, codecs),
        "environment": entry.environment().plain(),
        **artefacts(entry.path),
    }
    entry.commit(Measurement.model_validate(record))
    return Outcome(Status.done, progress.count, seconds)


class _Progress:
    """Counts reconstructions, writes rows of telemetry now and then, and ends the measurement where it is stopped."""

    def __init__(self, entry: Entry, attempt: int, stop: Callable[[], bool]) -> None:
        self.count = 0
        self._entry, self._attempt, self._stop = entry, attempt, stop
        self._began = self._told = time.monotonic()

    def __call__(self, _weights: str, _image: str) -> None:
        self.count += 1
        now = time.monotonic()
        if now - self._told > ROW_SECONDS:
            rate = self.count / (now - self._began)
            row = MetricRow(step=self.count, attempt=self._attempt, phase="measure", steps_per_second=rate)
            self._entry.append_metrics(row)
            self._told = now
        if self._stop():
            raise _StoppedError
