"""One cell, or one warm-up, from its settings to its committed result."""

from __future__ import annotations

import hashlib
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from ablate.atomic import write_with
from ablate.config import Cell, Warmup
from ablate.data import prepare
from ablate.model import count_parameters
from ablate.objective import Choice, Kernels
from ablate.records import Result, Status
from ablate.store import Entry
from ablate.train.evaluate import evaluate, require_measures
from ablate.train.loop import Outcome, Watch, train, warm_up
from ablate.train.state import TrainState


def run_cell(
    cell: Cell,
    entry: Entry,
    *,
    warmup: Entry | None,
    data_cache: Path,
    device: str,
    attempt: int,
    stop: Callable[[], bool],
    kernels: Kernels = "auto",
) -> Outcome:
    """Trains a cell from where its checkpoint left it, measures it and commits the result.

    Args:
        cell: what to train.
        entry: its place in the store, claimed by the caller.
        warmup: the entry of its warm-up, finished, where it has one.
        data_cache: directory of the decoded images.
        device: "cpu" or "cuda".
        attempt: number under which metrics are logged.
        stop: asked after every step; when true the state is saved and the outcome is "interrupted".
        kernels: "auto" computes losses by the fastest backend that agrees with the definition, "eager" by the latter.
    """
    require_measures(cell)
    state, choice = TrainState.for_cell(cell, device), _choice(entry, kernels, device)
    if entry.checkpoint.exists():
        state.load(entry.checkpoint)
        entry.append_event(state.step, "resume", f"attempt {attempt} continues at step {state.step}")
    elif warmup is not None:
        if (result := _finished(warmup)).status is Status.diverged:
            outcome = Outcome("diverged", 0, 0.0, f"its warm-up diverged: {result.cause}")
            _commit(entry, cell.id, outcome, {"metrics": {}, "protocol": {}})
            return outcome
        state.start_from(warmup.weights)

    watch = Watch(entry, attempt, device, stop, "train")
    outcome = train(state, cell, prepare(cell.data, "train", data_cache), watch, choice)
    if outcome.status == "interrupted":
        return outcome
    measured: dict[str, Any] = {"metrics": {}, "protocol": {}}
    began = time.perf_counter()
    if outcome.status == "done":
        assert state.average is not None
        images = prepare(cell.data, "test", data_cache)
        codecs = {"raw": state.codec.eval(), "ema": state.average.eval()}
        measured = evaluate(codecs, cell, images, entry, data_cache, device)
        write_with(entry.weights, state.save_weights)
    images_per_second = outcome.step * cell.data.batch_size / outcome.seconds if outcome.seconds else None
    costs = {
        "eval_seconds": time.perf_counter() - began,
        "images_per_second": images_per_second,
        "peak_memory_bytes": _peak_memory(device),
    }
    codec = {"parameters": count_parameters(cell), "models": measured.pop("models", {})}
    _commit(entry, cell.id, outcome, {**measured, **costs, "codec": codec})
    return outcome


def run_warmup(
    warmup: Warmup,
    entry: Entry,
    *,
    data_cache: Path,
    device: str,
    attempt: int,
    stop: Callable[[], bool],
    kernels: Kernels = "auto",
) -> Outcome:
    """Trains a warm-up from where its checkpoint left it and commits its weights; arguments as in `run_cell`."""
    state, choice = TrainState.for_warmup(warmup, device), _choice(entry, kernels, device)
    if entry.checkpoint.exists():
        state.load(entry.checkpoint)
        entry.append_event(state.step, "resume", f"attempt {attempt} continues at step {state.step}")
    images = prepare(warmup.data, "train", data_cache)
    outcome = warm_up(state, warmup, images, Watch(entry, attempt, device, stop, "warmup"), choice)
    if outcome.status == "interrupted":
        return outcome
    if outcome.status == "done":
        write_with(entry.weights, state.save_weights)
    _commit(entry, warmup.id, outcome, {})
    return outcome


def _choice(entry: Entry, kernels: Kernels, device: str) -> Choice:
    """Returns who chooses the losses' backends; a training that goes on takes those that it had.

    Each choice goes into the attempt's log and into its recorded environment.
    """
    *earlier, attempt = entry.attempts()
    previous: dict[str, str] = {}
    if entry.checkpoint.exists():
        recorded = [each.environment().kernels for each in earlier]
        previous = next((each for each in reversed(recorded) if each), {})
        if not previous:
            kernels = "eager"  # the checkpoint is from before there was a choice

    def log(_role: str, text: str) -> None:
        sys.stdout.write(f"kernels: {text}\n")
        attempt.note("kernels", choice.selected)

    choice = Choice(kernels, device, previous, log)
    return choice


def _commit(entry: Entry, content_id: str, outcome: Outcome, measured: dict[str, Any]) -> None:
    """Writes the result, after which the entry is finished, and drops the checkpoint that it replaces."""
    result = {
        "schema": 1,
        "id": content_id,
        "status": outcome.status,
        "step": outcome.step,
        "cause": outcome.cause,
        "train_seconds": outcome.seconds,
        "seconds": outcome.seconds + measured.get("eval_seconds", 0.0),
        **measured,
        "environment": entry.environment().plain(),
        "artefacts": file_hashes(entry.path),
    }
    entry.commit(Result.model_validate(result))
    entry.checkpoint.unlink(missing_ok=True)


def _finished(warmup: Entry) -> Result:
    result = warmup.result()
    assert result is not None, f"{warmup.path} was scheduled before its warm-up ended"
    return result


def file_hashes(directory: Path) -> dict[str, str]:
    """Returns the sha256 of the weights and of all that an evaluation left in an entry's directory."""
    files = [directory / "weights.pt", *sorted(directory.glob("eval/**/*.*"))]
    return {
        str(file.relative_to(directory)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in files
        if file.is_file()
    }


def _peak_memory(device: str) -> int:
    if device.startswith("cuda"):
        return torch.cuda.max_memory_allocated()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
