"""The training loops: distortion only, and adversarial."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from torch import Tensor

from ablate.atomic import write_with
from ablate.config import Cell, Data, Warmup
from ablate.data import Images
from ablate.data.crops import crops
from ablate.data.pixels import to_float
from ablate.losses.catalogue import distortions
from ablate.model import Reconstruction
from ablate.networks.exact import full_float32
from ablate.objective import Choice, FastObjective, Objective, Parts, built, fast_distortion
from ablate.records import MetricRow
from ablate.rng import sent, stream
from ablate.store import Entry
from ablate.train import health
from ablate.train.state import TrainState
from ablate.train.step import (
    DiscriminatorStepOutput,
    autocast,
    descend,
    discriminator_step,
    generator_terms,
    set_learning_rate,
)

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
    finiteness: health.Finiteness = field(init=False)
    began: float = field(default_factory=time.perf_counter)
    logged_at: float = field(default_factory=time.perf_counter)
    logged_step: int = 0
    saturated: bool = False

    def __post_init__(self) -> None:
        self.finiteness = health.Finiteness.on(self.device)

    def log(self, step: int, row: Mapping[str, Any]) -> None:
        """Appends a row of metrics with the clock's part filled in."""
        now = time.perf_counter()
        rate = (step - self.logged_step) / max(now - self.logged_at, 1e-9)
        clock = {"step": step, "t": now - self.began, "attempt": self.attempt, "phase": self.phase}
        self.entry.append_metrics(MetricRow.model_validate({**clock, "steps_per_second": rate, **row}))
        self.logged_at, self.logged_step = now, step
        self._note_saturation(step, row.get("scales", []))

    def _note_saturation(self, step: int, scales: list[dict[str, float]]) -> None:
        saturated = health.saturated(scales)
        if saturated and not self.saturated:
            self.entry.append_event(step, "discriminator_saturated", f"accuracy >= {health.SATURATED} at every scale")
        self.saturated = saturated


@full_float32()
def train(state: TrainState, cell: Cell, images: Images, watch: Watch, choice: Choice | None = None) -> Outcome:
    """Trains adversarially from `state.step` to the end, or until it diverges or is stopped.

    Losses are computed by what `choice` chooses, or by their definitions.
    """
    objective = FastObjective.choosing(cell.loss, choice) if choice else Objective.build(cell.loss)
    watch.logged_step = state.step

    while state.step < cell.train.steps:
        started = time.perf_counter()
        logs = _due(state.step + 1, cell.train.log_every, cell.train.steps)

        # Forward once for both players.
        image = batch(images, cell.data, cell.seed, cell.train.warmup_steps + state.step, watch.device)
        with autocast(image, cell.train.precision):
            reconstruction = state.codec(image, stream(cell.seed, "noise", state.step))
        adversarial = objective.needs_discriminator and state.step >= cell.train.discriminator_start

        # Discriminators, where they go first.
        judged = None
        if adversarial and cell.train.order == "discriminator_first":
            judged = discriminator_steps(state, objective, cell, images, image, reconstruction)

        # Generator step.
        if adversarial:
            parts = generator_terms(state, objective, image, reconstruction, cell.train.precision)
        else:
            parts = objective.generator(image, reconstruction.image)
        norms = health.gradient_norms(parts, reconstruction.image) if logs else {}
        total = parts.total
        descend(state, total)

        # Discriminators, where they go last: on what the generator made before its step.
        if adversarial and cell.train.order == "generator_first":
            judged = discriminator_steps(state, objective, cell, images, image, reconstruction)
        state.step += 1
        state.update_average(cell.train.ema_decay)
        watch.finiteness.watch(state.step, total, *([judged.loss] if judged else []))

        # Log, look for divergence, save.
        if logs:
            norms["encoder"] = health.encoder_norm(state.codec)
            row = telemetry(objective, image, reconstruction, parts, judged, norms)
            watch.log(state.step, row)
            state.flat_logs = state.flat_logs + 1 if health.is_flat(row) else 0
        state.seconds += time.perf_counter() - started
        if ended := _ended(state, cell.train.steps, cell.train.checkpoint_every, watch, logs):
            return ended
    return Outcome("done", state.step, state.seconds)


@full_float32()
def warm_up(state: TrainState, warmup: Warmup, images: Images, watch: Watch, choice: Choice | None = None) -> Outcome:
    """Trains on distortion alone from `state.step` to the end, or until it diverges or is stopped."""
    distortion = fast_distortion(warmup.distortion, choice) if choice else built(distortions, warmup.distortion)
    watch.logged_step = state.step
    while state.step < warmup.steps:
        started = time.perf_counter()
        image = batch(images, warmup.data, warmup.seed, state.step, watch.device)
        with autocast(image, warmup.precision):
            reconstruction = state.codec(image, stream(warmup.seed, "warmup.noise", state.step))
        loss = distortion(image, reconstruction.image.float())
        set_learning_rate(state.codec_optimizer, warmup.adam.learning_rate * decayed(warmup, state.step))
        descend(state, loss)
        state.step += 1
        watch.finiteness.watch(state.step, loss)
        logs = _due(state.step, LOG_EVERY, warmup.steps)
        if logs:
            spread = health.reconstruction_row(image, reconstruction)
            norm = {"encoder": health.encoder_norm(state.codec)}
            watch.log(state.step, {"loss": {"distortion": float(loss.detach())}, "gradient_norm": norm, **spread})
        state.seconds += time.perf_counter() - started
        if ended := _ended(state, warmup.steps, CHECKPOINT_EVERY, watch, logs):
            return ended
    return Outcome("done", state.step, state.seconds)


def discriminator_steps(
    state: TrainState,
    objective: Objective,
    cell: Cell,
    images: Images,
    image: Tensor,
    reconstruction: Reconstruction,
) -> DiscriminatorStepOutput:
    """Takes the discriminators' steps, the first on the generator's batch and each further one on a batch of its own.

    With the quirk of unpaired batches the first has one of its own, too.
    """
    judged = None
    for index in range(cell.train.discriminator_steps):
        number = state.step * cell.train.discriminator_steps + index
        if index or cell.train.quirks.unpaired_batches:
            image = batch(images, cell.data, cell.seed, number, image.device.type, purpose="data.discriminator_crops")
            with torch.no_grad(), autocast(image, cell.train.precision):
                reconstruction = state.codec(image, stream(cell.seed, "discriminator.noise", number))
        judged = discriminator_step(state, objective, cell, number, image, reconstruction)
    assert judged is not None
    return judged


def decayed(warmup: Warmup, step: int) -> float:
    """Returns the part of the learning rate that a step has: half a cosine, from 1 at step 0 towards 0 at the end."""
    return (1 + math.cos(math.pi * step / warmup.steps)) / 2 if warmup.decay == "cosine" else 1.0


def batch(images: Images, data: Data, seed: int, step: int, device: str, purpose: str = "data.crops") -> Tensor:
    """Returns the crops of a step, float (N, 3, crop, crop) in [-1, 1]: a function of its arguments alone.

    Steps count through warm-up and training, so that no crop comes twice.
    """
    drawn = crops(
        images,
        crop=data.crop,
        batch_size=data.batch_size,
        flip=data.flip,
        seed=seed,
        step=step,
        purpose=purpose,
    )
    return to_float(sent(drawn, device))


def telemetry(
    objective: Objective,
    image: Tensor,
    reconstruction: Reconstruction,
    parts: Parts,
    judged: DiscriminatorStepOutput | None,
    gradient_norms: Mapping[str, float],
) -> dict[str, Any]:
    """Returns what a log point says of losses, gradients and discriminators."""
    return {
        "loss": health.loss_row(parts, judged),
        "weights": {name: float(weight) for name, weight in parts.weights.items()},
        "gradient_norm": dict(gradient_norms),
        "scales": health.scale_health(judged, objective.adversarial) if judged else [],
        **health.reconstruction_row(image, reconstruction),
    }


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
    if state.step == steps and not health.is_finite(state.codec):
        # No loss comes after the last step that would say so.
        watch.entry.append_event(state.step, "nonfinite", "a weight of the codec is not finite")
        return Outcome("diverged", state.step, state.seconds, f"non-finite weights after step {state.step}")
    if state.flat_logs >= health.FLAT_LOGS:
        detail = f"the reconstruction has been flat (std < {health.FLAT_STD}) for {health.FLAT_LOGS} log points"
        watch.entry.append_event(state.step, "collapse", detail)
        return Outcome("diverged", state.step, state.seconds, f"collapse at step {state.step}: {detail}")
    if saves:
        write_with(watch.entry.checkpoint, state.save)
    return Outcome("interrupted", state.step, state.seconds) if stops and state.step < steps else None
