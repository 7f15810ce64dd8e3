"""The training loops: distortion only, and adversarial."""

from __future__ import annotations

import time

from ablate.codecs.codec import NOTHING
from ablate.config import Cell, Warmup
from ablate.data import Images
from ablate.networks.exact import full_float32
from ablate.objective import Choice, Objective, distortion_of
from ablate.records import Status
from ablate.rng import stream
from ablate.train import telemetry
from ablate.train.batches import Batches
from ablate.train.gradients import encoder_norm
from ablate.train.optimizers import half_cosine, set_rate
from ablate.train.outcome import Outcome
from ablate.train.shown import autocast, in_kept, through
from ablate.train.state import TrainState
from ablate.train.step import descend, training_step
from ablate.train.watch import Watch

LOG_EVERY = 25
CHECKPOINT_EVERY = 250


@full_float32()
def train(state: TrainState, cell: Cell, images: Images, watch: Watch, choice: Choice | None = None) -> Outcome:
    """Trains adversarially from `state.step` to the end, or until it diverges or is stopped.

    A training that ends early (`train.stop_at`) leaves the state that the whole one has at that step. Losses are
    computed by what `choice` chooses, or by their definitions.
    """
    objective = Objective.build(cell.loss, choice)
    batches = Batches.of(cell, images, watch.device)
    watch.begin(state.step)

    end = cell.train.end
    while state.step < end:
        started = time.perf_counter()
        counts = _due(state.step + 1, cell.train.log_every, cell.train.steps)
        logs = counts or state.step + 1 == end

        # Step both players.
        taken = training_step(state, objective, cell, batches, norms=logs)
        watch.finiteness.watch(state.step, *taken.losses)

        # Log, look for divergence, save.
        if logs:
            row = telemetry.log_row(taken, objective.adversarial.loss, state)
            watch.log(state.step, row, image=taken.image, reconstruction=taken.reconstruction.image.detach())
            if counts:  # the log point that an early end adds is none of the whole training
                state.flat_logs = state.flat_logs + 1 if telemetry.is_flat(row) else 0
        state.seconds += time.perf_counter() - started
        if ended := watch.ended(state, end, cell.train.checkpoint_every, logs):
            return ended
    return Outcome(Status.done, state.step, state.seconds)


@full_float32()
def warm_up(state: TrainState, warmup: Warmup, images: Images, watch: Watch, choice: Choice | None = None) -> Outcome:
    """Trains on distortion alone from `state.step` to the end, or until it diverges or is stopped."""
    distortion = distortion_of(warmup.distortion, choice)
    batches = Batches.of(warmup, images, watch.device)
    watch.begin(state.step)

    while state.step < warmup.steps:
        started = time.perf_counter()
        logs = _due(state.step + 1, LOG_EVERY, warmup.steps)

        # Step the codec.
        image, side = batches(state.step), batches.side(state.step) if state.codec.takes_side else NOTHING
        with autocast(image, warmup.precision):
            random = stream(warmup.seed, "warmup.noise", state.step)
            reconstruction = through(state.codec, image, random, side).reconstruction
        loss = distortion(image, in_kept(image, reconstruction.image.float(), side))
        set_rate(state.codec_optimizer, warmup.adam.learning_rate * decayed(warmup, state.step))
        descend(state, loss)
        state.step += 1
        watch.finiteness.watch(state.step, loss)

        # Log, look for divergence, save.
        if logs:
            spread = telemetry.reconstruction_row(image, reconstruction)
            norm = {"encoder": encoder_norm(state.codec)}
            told = {"loss": {"distortion": float(loss.detach())}, "gradient_norm": norm}
            row = {**told, **telemetry.players_row(state), **spread}
            watch.log(state.step, row, image=image, reconstruction=reconstruction.image.detach())
        state.seconds += time.perf_counter() - started
        if ended := watch.ended(state, warmup.steps, CHECKPOINT_EVERY, logs):
            return ended
    return Outcome(Status.done, state.step, state.seconds)


def decayed(warmup: Warmup, step: int) -> float:
    """Returns the part of the learning rate that a step has: half a cosine, from 1 at step 0 towards 0 at the end."""
    return half_cosine(step / warmup.steps) if warmup.decay == "cosine" else 1.0


def _due(step: int, every: int, last: int) -> bool:
    return step == 1 or step % every == 0 or step == last
