"""The watch over a training loop: reports, divergence, checkpoints and the wish to stop."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from torch import Tensor

from ablate.records import MetricRow, Status
from ablate.store import checkpoint
from ablate.trackers.tracking import Tracking
from ablate.train import telemetry
from ablate.train.outcome import Outcome
from ablate.train.state import TrainState


@dataclass
class Watch:
    """Reports for a loop, ends it where it diverges or is stopped, and saves its state."""

    tracking: Tracking
    device: str
    stop: Callable[[], bool]
    phase: Literal["train", "warmup"]
    finiteness: telemetry.Finiteness = field(init=False)
    began: float = field(default_factory=time.perf_counter)
    logged_at: float = field(default_factory=time.perf_counter)
    logged_step: int = 0
    saturated: bool = False

    def __post_init__(self) -> None:
        self.finiteness = telemetry.Finiteness.on(self.device)

    def begin(self, step: int) -> None:
        """Begins at a step, or goes on from there."""
        self.logged_step = step
        self.tracking.begin(step)

    def log(self, step: int, row: Mapping[str, Any], **images: Tensor) -> None:
        """Reports a log point with the clock's part filled in, and the images of its batch."""
        now = time.perf_counter()
        rate = (step - self.logged_step) / max(now - self.logged_at, 1e-9)
        clock = {"step": step, "t": now - self.began, "attempt": self.tracking.attempt, "phase": self.phase}
        self.tracking.scalars(MetricRow.model_validate({**clock, "steps_per_second": rate, **row}))
        self.tracking.images(step, images)
        self.logged_at, self.logged_step = now, step
        self._note_saturation(step, row.get("scales", []))

    def _note_saturation(self, step: int, scales: list[dict[str, float]]) -> None:
        saturated = telemetry.saturated(scales)
        if saturated and not self.saturated:
            detail = f"accuracy >= {telemetry.SATURATED} at every scale"
            self.tracking.event(step, "discriminator_saturated", detail)
        self.saturated = saturated

    def ended(self, state: TrainState, steps: int, checkpoint_every: int, logged: bool) -> Outcome | None:
        """Looks for divergence where the device was waited for anyway, saves when it is time, and obeys a stop."""
        stops = self.stop()
        saves = stops or state.step % checkpoint_every == 0 or state.step == steps
        if (logged or saves) and (broken_at := self.finiteness.broken_at) is not None:
            cause = f"non-finite loss at step {broken_at}"
            return self._diverged(state, broken_at, "nonfinite", "a loss is not finite", cause)
        if state.step == steps and not telemetry.is_finite(state.codec):
            # No loss comes after the last step that would say so.
            cause = f"non-finite weights after step {state.step}"
            return self._diverged(state, state.step, "nonfinite", "a weight of the codec is not finite", cause)
        if state.flat_logs >= telemetry.FLAT_LOGS:
            flat = f"flat (std < {telemetry.FLAT_STD}) for {telemetry.FLAT_LOGS} log points"
            detail = f"the reconstruction has been {flat}"
            return self._diverged(state, state.step, "collapse", detail, f"collapse at step {state.step}: {detail}")
        if saves:
            checkpoint.save(self.tracking.entry, state.save)
        return Outcome(Status.interrupted, state.step, state.seconds) if stops and state.step < steps else None

    def _diverged(self, state: TrainState, step: int, kind: str, detail: str, cause: str) -> Outcome:
        self.tracking.event(step, kind, detail)
        return Outcome(Status.diverged, step, state.seconds, cause)
