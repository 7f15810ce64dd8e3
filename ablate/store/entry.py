"""One cell or warm-up in the store: its settings, attempts, rows and result. Its status is derived, never stored."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ablate import atomic
from ablate.records import (
    AlteredError,
    AttemptEnd,
    CellSettings,
    Environment,
    Event,
    ForeignError,
    Measurement,
    MeasurementSettings,
    MetricRow,
    RecordError,
    Result,
    Status,
    WarmupSettings,
    read,
    rows,
    write,
)
from ablate.store import lock
from ablate.store.attempt import Attempt
from ablate.store.entry_files import EntryFiles

SETTINGS = {CellSettings: "cell.json", WarmupSettings: "warmup.json", MeasurementSettings: "measurement.json"}
"""File of an entry's settings by their kind."""
CANCEL = "cancel"
"""File whose presence asks a worker to save the state and end."""


@dataclass(frozen=True)
class Entry(EntryFiles):
    """A directory of the store; only `claim` and what is called under it writes."""

    id: str | None = None
    """Id that the records of the entry must have; None for a directory that has no name of its own."""

    @property
    def begun(self) -> bool:
        """Whether there is a directory, as one look at the disk says; true where the disk will not say it."""
        try:
            return stat.S_ISDIR(os.stat(self.path).st_mode)
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError:  # another user's secret, a link that leads in a circle
            return True

    def status(self) -> Status:
        """Derives the status from what lies there; writes nothing."""
        if not self.begun:
            return Status.pending
        try:
            if result := self.result():
                return result.status
            if self.held():
                return Status.running
            # A holder that committed between the two looks has left a result.
            if result := self.result():
                return result.status
            ended = self._last_end()
        except AlteredError:
            return Status.altered
        except RecordError:
            return Status.broken
        return Status.failed if ended and ended.status is Status.failed else Status.pending

    def _last_end(self) -> AttemptEnd | None:
        """Returns how the last attempt ended; None where it was killed, or that cannot be read: another one is made."""
        attempt = self.last_attempt()
        try:
            return attempt.exit() if attempt else None
        except AlteredError:
            raise
        except RecordError:
            return None

    def cancel(self) -> None:
        """Asks for the end of a training wherever it runs, and keeps runs that are under way from beginning it.

        Raises:
            ForeignError: where the entry is another user's.
        """
        self._require_ours()
        self.path.mkdir(parents=True, exist_ok=True)
        (self.path / CANCEL).write_text(f"{time.time():.3f}\n")

    def cancelled(self, since: float) -> bool:
        """Says whether somebody asked for its end, since a time in seconds since 1970: runs begun later want it."""
        try:
            return os.stat(self.path / CANCEL).st_mtime >= since
        except (FileNotFoundError, NotADirectoryError):
            return False

    @contextmanager
    def claim(self) -> Iterator[None]:
        """Holds the entry for the block: nobody else may write to it.

        Raises:
            Busy: where another process holds it.
        """
        with lock.exclusive(self._lock):
            atomic.sweep(self.path)
            yield

    def held(self) -> bool:
        """Says whether a process is at it; what is measured beside a result has places, and locks, of its own.

        Raises:
            ForeignError: where it is another user's, who does not let this one look.
        """
        return lock.held(self._lock)

    @property
    def _lock(self) -> Path:
        return self.path / "lock"

    def cell_settings(self) -> CellSettings | None:
        """Returns cell.json, or None before the first attempt and for a warm-up."""
        return read(CellSettings, self.path / "cell.json", self.id)

    def settings(self) -> CellSettings | WarmupSettings | None:
        """Returns cell.json or warmup.json, or None before the first attempt."""
        return self.cell_settings() or read(WarmupSettings, self.path / "warmup.json", self.id)

    def write_settings(self, settings: CellSettings | WarmupSettings | MeasurementSettings) -> None:
        """Writes cell.json, warmup.json or measurement.json; settings that stand there stay."""
        path = self.path / next(name for kind, name in SETTINGS.items() if isinstance(settings, kind))
        if not path.exists():
            write(path, settings)

    def attempts(self) -> tuple[Attempt, ...]:
        """Returns the attempts from the first to the last.

        Raises:
            RecordError: where their directory cannot be read.
        """
        directory = self.path / "attempts"
        try:
            names = os.listdir(directory)
        except (FileNotFoundError, NotADirectoryError):
            return ()
        except PermissionError as error:
            raise ForeignError(directory, "read") from error
        except OSError as error:
            raise RecordError(f"{directory} cannot be read: {error.strerror}; {CellSettings.REMEDY}") from error
        numbers = sorted(int(name) for name in names if name.isdigit())
        return tuple(self._attempt(number) for number in numbers)

    def last_attempt(self) -> Attempt | None:
        """Returns the latest attempt, or None where nobody tried."""
        attempts = self.attempts()
        return attempts[-1] if attempts else None

    def begin_attempt(self, environment: Environment) -> Attempt:
        """Starts the next attempt; only for one who holds the claim."""
        latest = self.last_attempt()
        attempt = self._attempt(latest.number + 1 if latest else 1)
        attempt.begin(environment)
        return attempt

    def _attempt(self, number: int) -> Attempt:
        return Attempt(self.path / "attempts" / f"{number:03d}")

    def environment(self) -> Environment:
        """Returns the environment of the latest attempt; one without facts where nobody tried."""
        latest = self.last_attempt()
        return latest.environment() if latest else Environment()

    def append_metrics(self, row: MetricRow) -> None:
        """Adds a row of metrics.jsonl."""
        rows.append_row(self.path / "metrics.jsonl", row.plain())

    def append_event(self, step: int, kind: str, detail: str) -> None:
        """Adds a row of events.jsonl to the attempt that runs; only after `begin_attempt`."""
        attempt = self.last_attempt()
        start = attempt.start() if attempt else None
        assert attempt is not None, f"{self.path} has no attempt that an event could belong to"
        assert start is not None, f"{attempt.path} did not begin"
        event = Event(step=step, t=time.time() - start.time, attempt=attempt.number, kind=kind, detail=detail)
        rows.append_row(self.path / "events.jsonl", event.plain())

    def metrics(self) -> list[MetricRow]:
        """Returns the rows by step; where two attempts logged a step, the later attempt's."""
        kept: dict[int, MetricRow] = {}
        for row in rows.read_records(MetricRow, self.path / "metrics.jsonl"):
            known = kept.get(row.step)
            if known is None or row.attempt >= known.attempt:
                kept[row.step] = row
        return [kept[step] for step in sorted(kept)]

    def events(self) -> list[Event]:
        """Returns all events in the order they happened."""
        return rows.read_records(Event, self.path / "events.jsonl")

    def last_row(self) -> MetricRow | None:
        """Returns the newest row of metrics.jsonl from the end of the file, however long it is."""
        return rows.last_record(MetricRow, self.path / "metrics.jsonl")

    def result(self) -> Result | None:
        """Returns what was committed, or None before.

        Raises:
            AlteredError: where its seal does not hold, or it is another entry's.
            RecordError: for one that cannot be read, or of a cell that is done and has no figures.
        """
        path = self.path / "result.json"
        result = read(Result, path, self.id)
        if result and result.status is Status.done and not result.metrics and (self.path / "cell.json").exists():
            raise RecordError(f"{path} has no metrics, though the cell is done; {Result.REMEDY}")
        return result

    def readable_result(self) -> Result | None:
        """Returns what was committed, or None where nothing was that can be read."""
        try:
            return self.result()
        except RecordError:
            return None

    def measurement(self, content_id: str) -> Entry:
        """Returns the place of a measurement of the cell, whether it was made or not."""
        return Entry(self.path / "measurements" / content_id, content_id)

    def measurements(self) -> list[tuple[Entry, Measurement]]:
        """Returns what was measured beside the result, with its place, those made first before others.

        Raises:
            RecordError: for one that cannot be read.
        """
        found = [
            (place, record)
            for place in self.measured_places()
            if (record := read(Measurement, place.path / "result.json", place.id)) is not None
        ]
        return sorted(found, key=lambda each: each[1].time or 0.0)

    def measured_places(self) -> tuple[Entry, ...]:
        """Returns the places of measurements that were begun."""
        return tuple(Entry(path, path.name) for path in _directories(self.path / "measurements"))

    def evaluations(self) -> tuple[Path, ...]:
        """Returns the directories of what `ablate eval` measured, unless it was told to write elsewhere."""
        return _directories(self.path / "evaluations")

    def places(self) -> tuple[Entry, ...]:
        """Returns the entry and all in it that has a lock of its own: measurements, and what `ablate eval` measured."""
        return (self, *self.measured_places(), *map(Entry, self.evaluations()))

    def fault(self) -> str | None:
        """Returns why an entry cannot be worked on, with the remedy; None where it can.

        Its records cannot be read or are altered, or it is another user's.
        """
        try:
            self.result()
            self._last_end()
            self.held()
            self._require_ours()
        except RecordError as error:
            return str(error)
        return None

    def _require_ours(self) -> None:
        # The lock, or the directory that it would lie in, however much of the path is there.
        found = next(path for path in (self._lock, *self._lock.absolute().parents) if path.exists())
        if not os.access(found, os.W_OK, effective_ids=True):
            raise ForeignError(found, "write")

    def commit(self, result: Result) -> None:
        """Writes result.json: from here on the entry is finished and never run again."""
        assert self.result() is None, f"{self.path} is committed already"
        write(self.path / "result.json", result)


def _directories(path: Path) -> tuple[Path, ...]:
    try:
        return tuple(path / each.name for each in sorted(os.scandir(path), key=lambda each: each.name) if each.is_dir())
    except (FileNotFoundError, NotADirectoryError):
        return ()
