"""One cell, or one warm-up, from its settings to its committed result: trained, then measured."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch

from ablate.atomic import write_with
from ablate.codecs.trained import TrainedCodec
from ablate.config import Cell, Taught, Warmup
from ablate.data import prepare
from ablate.evaluate.measure import measure, require_measures
from ablate.evaluate.parameters import codec_facts
from ablate.objective import Kernels
from ablate.records import Result, Status
from ablate.store import Entry, checkpoint
from ablate.store.artefacts import artefacts
from ablate.terms import Term
from ablate.trackers.tracking import Tracking
from ablate.train.outcome import Outcome
from ablate.train.run import train_cell, train_warmup
from ablate.train.state import TrainState


def run_cell(
    cell: Cell,
    entry: Entry,
    *,
    warmup: Entry | None,
    beginning: Entry | None = None,
    origin: Entry | None = None,
    data_cache: Path,
    device: str,
    attempt: int,
    stop: Callable[[], bool],
    kernels: Kernels = "auto",
    trackers: Sequence[Term] = (),
) -> Outcome:
    """Trains a cell, measures it and commits the result.

    Metrics are logged under the number of the attempt, and told to the trackers; other arguments as in `train_cell`.
    """
    require_measures(cell.evaluation)
    common: dict[str, Any] = {"data_cache": data_cache, "device": device, "stop": stop, "kernels": kernels}
    with Tracking(entry, attempt, trackers) as tracking:
        trained = train_cell(cell, tracking, warmup=warmup, beginning=beginning, origin=origin, **common)
        outcome = trained.outcome
        if outcome.status is Status.interrupted:
            tracking.ends(outcome.status)
            return outcome
        measured: dict[str, Any] = {"metrics": {}, "protocol": {}}
        if trained.state is not None:
            measured |= _measure(trained.state, outcome, cell, entry, data_cache, device)
        tracking.ends(outcome.status, measured["metrics"])
    # What trackers write as they close is sealed, too.
    _commit(entry, entry.id or cell.id, outcome, measured, keep_state=cell.train.stop_at is not None)
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
    trackers: Sequence[Term] = (),
) -> Outcome:
    """Trains a warm-up and commits its weights; arguments as in `run_cell`."""
    common: dict[str, Any] = {"data_cache": data_cache, "device": device, "stop": stop, "kernels": kernels}
    with Tracking(entry, attempt, trackers) as tracking:
        trained = train_warmup(warmup, tracking, **common)
        tracking.ends(trained.outcome.status)
    if trained.outcome.status is Status.interrupted:
        return trained.outcome
    if trained.outcome.status is Status.done and trained.state is not None:
        write_with(entry.weights, trained.state.save_weights)
    _commit(entry, warmup.id, trained.outcome, {})
    return trained.outcome


def _measure(
    state: TrainState, outcome: Outcome, cell: Cell, entry: Entry, data_cache: Path, device: str
) -> dict[str, Any]:
    """Returns figures and costs of a training that has ended, and writes its tables, images and weights."""
    measured: dict[str, Any] = {}
    codecs: dict[str, TrainedCodec] = {}
    batch = cell.train.accumulate * cell.data.batch_size
    began = time.perf_counter()
    if outcome.status is Status.done:
        assert state.average is not None
        images = prepare(cell.data, "test", data_cache)
        networks = {"raw": state.codec, "ema": state.average}
        codecs = {name: TrainedCodec.of(each, cell.model, cell.seed, device) for name, each in networks.items()}
        taught = Taught.by(cell)
        found = measure(codecs, cell.evaluation, images, entry, cache=data_cache, device=device, taught=taught)
        measured = {"metrics": found.metrics, "uncertainty": found.uncertainty, "protocol": found.protocol}
        write_with(entry.weights, state.save_weights)
    return measured | {
        "eval_seconds": time.perf_counter() - began,
        "images_per_second": outcome.step * batch / outcome.seconds if outcome.seconds else None,
        "peak_memory_bytes": _peak_memory(device),
        "codec": codec_facts(cell, codecs),
    }


def _commit(
    entry: Entry, content_id: str, outcome: Outcome, measured: dict[str, Any], keep_state: bool = False
) -> None:
    """Writes the result, after which the entry is finished, and drops the checkpoint that it replaces.

    A training that stopped early keeps it for the one that goes on from there.
    """
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
        **artefacts(entry.path),
    }
    entry.commit(Result.model_validate(result))
    if not keep_state or outcome.status is not Status.done:
        checkpoint.drop(entry)
    else:
        entry.earlier_checkpoint.unlink(missing_ok=True)


def _peak_memory(device: str) -> int:
    if device.startswith("cuda"):
        return torch.cuda.max_memory_allocated()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
