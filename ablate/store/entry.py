"""One cell or warm-up in the store: its settings, attempts, rows and result. Its status is derived, never stored."""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from ablate.store import atomic, lock, records
from ablate.store.attempt import Attempt

SETTINGS = ("cell.json", "warmup.json")
NAME_CHARACTERS, NAME_BYTES = 120, 200
"""What of an image's name its reconstruction has: with hash and suffix, also while it is written, below 255 bytes."""


class Status(StrEnum):
    """What became of an entry so far."""

    done = "done"
    running = "running"
    diverged = "diverged"
    failed = "failed"
    pending = "pending"


@dataclass(frozen=True)
class Entry:
    """A directory of the store; only `claim` and what is called under it writes."""

    path: Path

    @property
    def checkpoint(self) -> Path:
        """The last state of an unfinished training."""
        return self.path / "checkpoint.pt"

    @property
    def weights(self) -> Path:
        """The final weights, raw and averaged."""
        return self.path / "weights.pt"

    @property
    def images_csv(self) -> Path:
        """One row per weights and test image."""
        return self.path / "eval" / "images.csv"

    @property
    def jackknife_csv(self) -> Path:
        """Distances between sets of patches without each test image in turn; before 0.2 it was called without.csv."""
        path, earlier = (self.path / "eval" / name for name in ("jackknife.csv", "without.csv"))
        return earlier if earlier.exists() and not path.exists() else path

    def features(self, weights: str) -> Path:
        """Returns where the features of all patches of the reconstructions lie, float32 (n, d), image after image."""
        return self.path / "eval" / f"features-{weights}.npy"

    def recon(self, weights: str, image: str) -> Path:
        """Returns where the reconstruction of a test image lies; a name that no file may have is made fit, uniquely."""
        fit = re.sub(r"[^\w.-]", "_", image)[:NAME_CHARACTERS].encode()[:NAME_BYTES].decode(errors="ignore")
        if fit != image:
            fit += "-" + hashlib.sha256(image.encode(errors="surrogateescape")).hexdigest()[:8]
        return self.path / "eval" / "recon" / weights / f"{fit}.png"

    def status(self) -> Status:
        """Derives the status from what lies there; writes nothing."""
        result = self.result()
        if result is not None:
            return Status(result["status"])
        if lock.held(self._lock):
            return Status.running
        # A holder that committed between the two looks has left a result.
        result = self.result()
        if result is not None:
            return Status(result["status"])
        attempt = self.last_attempt()
        ended = attempt.exit() if attempt else None
        return Status.failed if ended and ended["status"] == "failed" else Status.pending

    @contextmanager
    def claim(self) -> Iterator[None]:
        """Holds the entry for the block: nobody else may write to it.

        Raises:
            Busy: where another process holds it.
        """
        with lock.exclusive(self._lock):
            atomic.sweep(self.path)
            yield

    @property
    def _lock(self) -> Path:
        return self.path / "lock"

    def settings(self) -> dict[str, Any]:
        """Returns cell.json or warmup.json; empty before the first attempt."""
        return next((content for name in SETTINGS if (content := atomic.read_json(self.path / name))), {})

    def write_settings(self, settings: dict[str, Any]) -> None:
        """Writes cell.json, or warmup.json for settings without a cell; settings that stand there stay."""
        if not self.settings():
            atomic.write_json(self.path / ("cell.json" if "cell" in settings else "warmup.json"), settings)

    def attempts(self) -> tuple[Attempt, ...]:
        """Returns the attempts from the first to the last."""
        try:
            names = os.listdir(self.path / "attempts")
        except (FileNotFoundError, NotADirectoryError):
            return ()
        numbers = sorted(int(name) for name in names if name.isdigit())
        return tuple(self._attempt(number) for number in numbers)

    def last_attempt(self) -> Attempt | None:
        """Returns the latest attempt, or None where nobody tried."""
        attempts = self.attempts()
        return attempts[-1] if attempts else None

    def begin_attempt(self, environment: dict[str, Any]) -> Attempt:
        """Starts the next attempt; only for one who holds the claim."""
        latest = self.last_attempt()
        attempt = self._attempt(latest.number + 1 if latest else 1)
        attempt.begin(environment)
        return attempt

    def _attempt(self, number: int) -> Attempt:
        return Attempt(self.path / "attempts" / f"{number:03d}")

    def environment(self) -> dict[str, Any]:
        """Returns the environment of the latest attempt; empty where nobody tried."""
        latest = self.last_attempt()
        return latest.environment() if latest else {}

    def append_metrics(self, row: dict[str, Any]) -> None:
        """Adds a row of metrics.jsonl, with at least step and attempt."""
        assert {"step", "attempt"} <= row.keys(), f"a row needs step and attempt: {sorted(row)}"
        records.append(self.path / "metrics.jsonl", row)

    def append_event(self, step: int, kind: str, detail: str) -> None:
        """Adds a row of events.jsonl to the attempt that runs; only after `begin_attempt`."""
        attempt = self.last_attempt()
        assert attempt is not None, f"{self.path} has no attempt that an event could belong to"
        row = {"step": step, "t": time.time() - attempt.start()["time"], "attempt": attempt.number}
        records.append(self.path / "events.jsonl", row | {"kind": kind, "detail": detail})

    def metrics(self) -> list[dict[str, Any]]:
        """Returns the rows by step; where two attempts logged a step, the later attempt's."""
        rows: dict[int, dict[str, Any]] = {}
        for row in records.read(self.path / "metrics.jsonl"):
            known = rows.get(row["step"])
            if known is None or row["attempt"] >= known["attempt"]:
                rows[row["step"]] = row
        return [rows[step] for step in sorted(rows)]

    def events(self) -> list[dict[str, Any]]:
        """Returns all events in the order they happened."""
        return records.read(self.path / "events.jsonl")

    def last_row(self) -> dict[str, Any] | None:
        """Returns the newest row of metrics.jsonl from the end of the file, however long it is."""
        return records.last(self.path / "metrics.jsonl")

    def result(self) -> dict[str, Any] | None:
        """Returns what was committed, or None before."""
        return atomic.read_json(self.path / "result.json")

    def commit(self, result: dict[str, Any]) -> None:
        """Writes result.json: from here on the entry is finished and never run again."""
        assert result["status"] in ("done", "diverged"), result["status"]
        assert self.result() is None, f"{self.path} is committed already"
        atomic.write_json(self.path / "result.json", result)
