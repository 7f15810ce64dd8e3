"""One cell, or one warm-up, from its settings or its checkpoint to trained weights."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ablate.config import Cell, Warmup
from ablate.data import prepare
from ablate.objective import Choice, Kernels
from ablate.records import Result, Status
from ablate.records.telemetry import DAMAGED_CHECKPOINT
from ablate.store import Entry, checkpoint
from ablate.store.weights import require_weights
from ablate.trackers.tracking import Tracking
from ablate.train.loop import train, warm_up
from ablate.train.networks import fast_networks
from ablate.train.outcome import Outcome
from ablate.train.start import given_weights
from ablate.train.state import TrainState
from ablate.train.watch import Watch


@dataclass(frozen=True, eq=False)
class Trained:
    """How a training ended, and the state that it came to; None where its warm-up diverged, so that it never began."""

    outcome: Outcome
    state: TrainState | None


def train_cell(
    cell: Cell,
    tracking: Tracking,
    *,
    warmup: Entry | None,
    beginning: Entry | None = None,
    origin: Entry | None = None,
    data_cache: Path,
    device: str,
    stop: Callable[[], bool],
    kernels: Kernels = "auto",
) -> Trained:
    """Trains a cell from where its checkpoint left it.

    Args:
        cell: what to train.
        tracking: where it reports to, with its place in the store, which the caller has claimed.
        warmup: the entry of its warm-up, finished, where it has one.
        beginning: the entry of the same training that stopped early (`train.stop_at`), whose state it goes on from
            where that is still there; the result is that of a training without it, bit for bit.
        origin: the entry of the cell that gives its first weights (`train.start.cell`).
        data_cache: directory of the decoded images.
        device: "cpu" or "cuda".
        stop: asked after every step; when true the state is saved and the outcome is "interrupted".
        kernels: "auto" computes losses by the fastest backend that agrees with the definition, "eager" by the latter.
    """
    own = _whole(tracking.entry, tracking)
    left = _whole(beginning, tracking) if own is None and beginning is not None else None
    before = beginning if left else None
    state, choice = TrainState.for_cell(cell, device), _choice(tracking.entry, kernels, device, own, before)
    if own is not None:
        _resume(state, tracking, own)
    elif before is not None and left is not None:
        state.load(left)
        tracking.event(state.step, "continue", f"goes on from {before.id}, which stopped at step {state.step}")
    elif warmup is not None:
        if (result := _finished(warmup)).status is Status.diverged:
            return Trained(Outcome(Status.diverged, 0, 0.0, f"its warm-up diverged: {result.cause}"), None)
        require_weights(warmup, result)
        state.start_from(warmup.weights)
    elif cell.train.start.given:
        state.start_from_given(given_weights(cell.train.start, origin))
    images = prepare(cell.data, "train", data_cache)
    with fast_networks(state, choice, cell.train.precision):
        return Trained(train(state, cell, images, Watch(tracking, device, stop, "train"), choice), state)


def train_warmup(
    warmup: Warmup,
    tracking: Tracking,
    *,
    data_cache: Path,
    device: str,
    stop: Callable[[], bool],
    kernels: Kernels = "auto",
) -> Trained:
    """Trains a warm-up from where its checkpoint left it; arguments as in `train_cell`."""
    own = _whole(tracking.entry, tracking)
    state, choice = TrainState.for_warmup(warmup, device), _choice(tracking.entry, kernels, device, own)
    if own is not None:
        _resume(state, tracking, own)
    images = prepare(warmup.data, "train", data_cache)
    with fast_networks(state, choice, warmup.precision):
        return Trained(warm_up(state, warmup, images, Watch(tracking, device, stop, "warmup"), choice), state)


def _whole(entry: Entry, tracking: Tracking) -> Path | None:
    """Returns the newest checkpoint of an entry that is as it was saved, None where there is none.

    A damaged one is named in the events and in the log, and those of the training itself are put out of the way.
    """
    found = entry.checkpoints()
    for path in found:
        damage = checkpoint.damage(path, entry.path.name)
        if damage is None:
            return path
        sys.stdout.write(f"{damage}\n")
        tracking.event(0, DAMAGED_CHECKPOINT, str(damage))
        if entry == tracking.entry:
            checkpoint.set_aside(path)
    if found:
        tracking.event(0, "begin_again", f"no checkpoint in {entry.path} is whole: attempt {tracking.attempt} begins")
    return None


def _resume(state: TrainState, tracking: Tracking, saved: Path) -> None:
    state.load(saved)
    tracking.event(state.step, "resume", f"attempt {tracking.attempt} continues at step {state.step}")


def _choice(entry: Entry, kernels: Kernels, device: str, own: Path | None, before: Entry | None = None) -> Choice:
    """Returns who chooses the losses' backends; a training that goes on, or goes on from another, takes those it had.

    Each choice goes into the attempt's log and into its recorded environment.
    """
    *earlier, attempt = entry.attempts()
    previous: dict[str, str] = {}
    if before is not None:
        earlier = list(before.attempts())
    if before is not None or own is not None:
        recorded = [each.environment().kernels for each in earlier]
        previous = next((each for each in reversed(recorded) if each), {})
        if not previous:
            kernels = "eager"  # the checkpoint is from before there was a choice

    def log(_role: str, text: str) -> None:
        sys.stdout.write(f"kernels: {text}\n")
        attempt.note("kernels", choice.selected)

    choice = Choice(kernels, device, previous, log)
    return choice


def _finished(warmup: Entry) -> Result:
    result = warmup.result()
    assert result is not None, f"{warmup.path} was scheduled before its warm-up ended"
    return result
