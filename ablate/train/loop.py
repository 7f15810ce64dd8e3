"""The training loops: distortion only, and adversarial."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from ablate.atomic import write_with
from ablate.config import Cell, Warmup
from ablate.data import Images
from ablate.networks.exact import full_float32
from ablate.objective import Choice, Objective, distortion_of
from ablate.records import MetricRow
from ablate.rng import stream
from ablate.store import Entry
from ablate.train import telemetry
from ablate.train.batches import Batches
from ablate.train.gradients import encoder_norm
from ablate.train.state import TrainState
from ablate.train.step import autocast, descend, set_learning_rate, training_step

LOG_EVERY = 25
CHECKPOINT_EVERY = 250


@dataclass(frozen=True)
class Outcome:
    """How a training ended; divergence is a result, an interruption is not."""

    status: Literal["done", "diverged", "interrupted"]
    step: int
    seconds: float
    cause: str | None = None


@dataclass
class Watch:
    """Where a loop reports to and who may stop it."""

    entry: Entry
    attempt: int
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

    def log(self, step: int, row: Mapping[str, Any]) -> None:
        """Appends a row of metrics with the clock's part filled in."""
        now = time.perf_counter()
        rate = (step - self.logged_step) / max(now - self.logged_at, 1e-9)
        clock = {"step": step, "t": now - self.began, "attempt": self.attempt, "phase": self.phase}
        self.entry.append_metrics(MetricRow.model_validate({**clock, "steps_per_second": rate, **row}))
        self.logged_at, self.logged_step = now, step
        self._note_saturation(step, row.get("scales", []))

    def _note_saturation(self, step: int, scales: list[dict[str, float]]) -> None:
        saturated = telemetry.saturated(scales)
        if saturated and not self.saturated:
            self.entry.append_event(
                step, "discriminator_saturated", f"accuracy >= {telemetry.SATURATED} at every scale"
            )
        self.saturated = saturated


@full_float32()
def train(state: TrainState, cell: Cell, images: Images, watch: Watch, choice: Choice | None = None) -> Outcome:
    """Trains adversarially from `state.step` to the end, or until it diverges or is stopped.

    Losses are computed by what `choice` chooses, or by their definitions.
    """
    objective = Objective.build(cell.loss, choice)
    batches = Batches(images, cell.data, cell.seed, watch.device)
    watch.logged_step = state.step

    while state.step < cell.train.steps:
        started = time.perf_counter()
        logs = _due(state.step + 1, cell.train.log_every, cell.train.steps)

        # Step both players.
        taken = training_step(state, objective, cell, batches, norms=logs)
        watch.finiteness.watch(state.step, *taken.losses)

        # Log, look for divergence, save.
        if logs:
            row = telemetry.log_row(taken, objective.adversarial.loss, encoder_norm(state.codec))
            watch.log(state.step, row)
            state.flat_logs = state.flat_logs + 1 if telemetry.is_flat(row) else 0
        state.seconds += time.perf_counter() - started
        if ended := _ended(state, cell.train.steps, cell.train.checkpoint_every, watch, logs):
            return ended
    return Outcome("done", state.step, state.seconds)


@full_float32()
def warm_up(state: TrainState, warmup: Warmup, images: Images, watch: Watch, choice: Choice | None = None) -> Outcome:
    """Trains on distortion alone from `state.step` to the end, or until it diverges or is stopped."""
    distortion = distortion_of(warmup.distortion, choice)
    batches = Batches(images, warmup.data, warmup.seed, watch.device)
    watch.logged_step = state.step

    while state.step < warmup.steps:
        started = time.perf_counter()
        logs = _due(state.step + 1, LOG_EVERY, warmup.steps)

        # Step the codec.
        image = batches(state.step)
        with autocast(image, warmup.precision):
            reconstruction = state.codec(image, stream(warmup.seed, "warmup.noise", state.step))
        loss = distortion(image, reconstruction.image.float())
        set_learning_rate(state.codec_optimizer, warmup.adam.learning_rate * decayed(warmup, state.step))
        descend(state, loss)
        state.step += 1
        watch.finiteness.watch(state.step, loss)

        # Log, look for divergence, save.
        if logs:
            spread = telemetry.reconstruction_row(image, reconstruction)
            norm = {"encoder": encoder_norm(state.codec)}
            watch.log(state.step, {"loss": {"distortion": float(loss.detach())}, "gradient_norm": norm, **spread})
        state.seconds += time.perf_counter() - started
        if ended := _ended(state, warmup.steps, CHECKPOINT_EVERY, watch, logs):
            return ended
    return Outcome("done", state.step, state.seconds)


def decayed(warmup: Warmup, step: int) -> float:
    """Returns the part of the learning rate that a step has: half a cosine, from 1 at step 0 towards 0 at the end."""
    return (1 + math.cos(math.pi * step / warmup.steps)) / 2 if warmup.decay == "cosine" else 1.0


def _due(step: int, every: int, last: int) -> bool:
    return step == 1 or step % every == 0 or step == last


def _ended(state: TrainState, steps: int, checkpoint_every: int, watch: Watch, looked: bool) -> Outcome | None:
    """Looks for divergence where the device was waited for anyway, saves on time, and obeys a stop."""
    stops = watch.stop()
    saves = stops or state.step % checkpoint_every == 0 or state.step == steps
    if looked or saves:
        broken_at = watch.finiteness.broken_at
        if broken_at is not None:
            watch.entry.append_event(broken_at, "nonfinite", "a loss is not finite")
            return Outcome("diverged", broken_at, state.seconds, f"non-finite loss at step {broken_at}")
    if state.step == steps and not telemetry.is_finite(state.codec):
        # No loss comes after the last step that would say so.
        watch.entry.append_event(state.step, "nonfinite", "a weight of the codec is not finite")
        return Outcome("diverged", state.step, state.seconds, f"non-finite weights after step {state.step}")
    if state.flat_logs >= telemetry.FLAT_LOGS:
        detail = f"the reconstruction has been flat (std < {telemetry.FLAT_STD}) for {telemetry.FLAT_LOGS} log points"
        watch.entry.append_event(state.step, "collapse", detail)
        return Outcome("diverged", state.step, state.seconds, f"collapse at step {state.step}: {detail}")
    if saves:
        write_with(watch.entry.checkpoint, state.save)
    return Outcome("interrupted", state.step, state.seconds) if stops and state.step < steps else None
