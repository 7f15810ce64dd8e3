"""A plan without images and a training without torch, so that running can be tested in milliseconds."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ablate.execute.executor import ExecutorFactory
from ablate.execute.plan import Plan
from ablate.execute.runner import Limits, run
from ablate.execute.work import Assignment, Work
from ablate.records import Execution, MetricRow, PlanRecord, Status
from ablate.store import Store
from ablate.train.outcome import Outcome
from tests.made import made_result

GRID = b"name = 'pretended'\n"

STEP_SECONDS = 0.005


def make_plan(
    *behaviours: str, warmup: bool = True, steps: int = 10, name: str = "pretended", compare=None, **budget
) -> Plan:
    """A plan of cells that behave as `misbehave` says, or well."""
    shared = {"data": {"batch_size": 1, "crop": 16}, "model": {"width": 16}}
    warmup_settings = shared | {"steps": 10, "precision": "float32", "seed": 0}
    points = []
    for number, behaviour in enumerate(behaviours):
        cell = shared | {
            "discriminator": {},
            "train": {"steps": steps, "precision": "float32"},
            "seed": number,
            "behaviour": behaviour,
        }
        sha256 = hashlib.sha256(json.dumps(cell).encode()).hexdigest()
        label = f"{behaviour.split(':')[0]} seed={number}"
        points.append(
            {
                "id": sha256[:12],
                "sha256": sha256,
                "label": label,
                "axes": {"behaviour": behaviour},
                "seed": number,
                "warmup": "aaaabbbbcccc" if warmup else None,
                "cell": cell,
            }
        )
    start = {"id": "aaaabbbbcccc", "sha256": "aaaabbbbcccc" * 4, "label": "warm-up", "seed": 0}
    content = {
        "schema": 1,
        "grid_sha256": hashlib.sha256(GRID).hexdigest(),
        "data_stat": "-",
        "name": name,
        "axes": {"behaviour": list(behaviours)},
        "compare": {"alpha": 0.05, "correction": "none", "axes": [], "baseline": {}} | (compare or {}),
        "budget": {"max_hours": None, "cell_timeout": None, "max_consecutive_failures": 3} | budget,
        "execution": {"device": "cpu", "workers": 2, "threads": 1, "cells_per_gpu": 1},
        "excluded": [],
        "notes": [],
        "points": points,
        "warmups": {"aaaabbbbcccc": start | {"warmup": warmup_settings}} if warmup else {},
    }
    return Plan(PlanRecord.model_validate(content), GRID)


def pretend(job, store: Store, assignment: Assignment, stop: Callable[[], bool]) -> Outcome:
    """Counts to the number of steps with a checkpoint at each, and misbehaves half-way if told to."""
    entry = job.entry(store)
    step = json.loads(entry.checkpoint.read_text())["step"] if entry.checkpoint.exists() else 0
    behaviour = job.training.get("behaviour", "well")
    if job.needs:
        assert store.warmup(job.needs).result() is not None, "started before its warm-up was finished"
    sys.stdout.write(f"at {step} of {job.steps}, {behaviour}\n")
    if assignment.device == "pretended":
        sys.stdout.write(f"on GPU {os.environ['CUDA_VISIBLE_DEVICES']}\n")
    began = time.monotonic()
    while step < job.steps:
        time.sleep(STEP_SECONDS)
        step += 1
        row = {"step": step, "attempt": assignment.attempt, "loss": {"generator": 1 / step, "distortion": 1 / step}}
        entry.append_metrics(MetricRow(**row, phase="train", steps_per_second=200.0))
        save(entry.checkpoint, step)
        if step == job.steps // 2:
            wait(behaviour, store, assignment, stop)
            if outcome := misbehave(behaviour, entry, step):
                return outcome
        if stop() and behaviour != "deaf" and step < job.steps:
            return Outcome(Status.interrupted, step, time.monotonic() - began)
    seconds = time.monotonic() - began
    costs = {"seconds": seconds, "train_seconds": seconds, "eval_seconds": 0.0, "metrics": {"ema": {"bpp_actual": 0.1}}}
    entry.commit(made_result(entry, step=step, environment=entry.environment(), **costs))
    return Outcome(Status.done, step, seconds)


def wait(behaviour: str, store: Store, assignment: Assignment, stop: Callable[[], bool]) -> None:
    """wait: until it is stopped, in its first attempt. crowd:<n>: until so many cells were begun."""
    kind, _, number = behaviour.partition(":")
    while kind == "wait" and assignment.attempt == 1 and not stop():
        time.sleep(0.01)
    while kind == "crowd" and len(list(store.path.glob("cells/*/attempts/001"))) < int(number):
        time.sleep(0.01)


def save(path: Path, step: int) -> None:
    """Survives a kill, not a loss of power: fsync at every step would take most of the test's time."""
    path.with_suffix(".new").write_text(json.dumps({"step": step}))
    path.with_suffix(".new").replace(path)


def misbehave(behaviour: str, entry, step: int) -> Outcome | None:
    """letters, raise:<text>, die, deaf (to every signal but SIGKILL), exit, full (disk), diverge."""
    kind, _, text = behaviour.partition(":")
    if kind == "letters":
        sys.stdout.write("wéll – λ\n")
    if kind == "raise":
        raise ValueError(text)
    if kind == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if kind == "deaf":
        time.sleep(60)
    if kind == "exit":
        os._exit(7)
    if kind == "full":
        raise RuntimeError("torch hides it") from OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    if kind == "diverge":
        result = {"status": "diverged", "step": step, "seconds": 0.1, "cause": "loss is nan", "metrics": {}}
        entry.commit(made_result(entry, **result, environment=entry.environment()))
        return Outcome(Status.diverged, step, 0.1, "loss is nan")
    return None


def ready(_jobs, _store: Store, say: Callable[[str], None]) -> None:
    say("ready")


def saved_step(checkpoint: Path) -> int:
    return json.loads(checkpoint.read_text())["step"]


PRETENDING = Work(pretend, ("ablate.execute.worker", "tests.execute.pretend"), ready, saved_step)


@dataclass
class Notes:
    """A listener that remembers."""

    messages: list[str] = field(default_factory=list)
    starts: list[str] = field(default_factory=list)
    ends: dict[str, Any] = field(default_factory=dict)

    def on_message(self, text: str) -> None:
        self.messages.append(text)

    def on_start(self, job) -> None:
        self.starts.append(job.label)

    def on_end(self, job, result, look) -> None:
        self.ends[job.label] = result
        assert look().seconds_left >= 0

    def on_tick(self, look) -> None:
        assert 0 <= look().fraction <= 1


class Printed(Notes):
    """A listener that a test reads through a pipe."""

    def on_message(self, text: str) -> None:
        sys.stdout.write(f"said {text}\n")
        sys.stdout.flush()

    def on_start(self, job) -> None:
        self.on_message(f"started {job.label}")

    def on_end(self, job, result, look) -> None:
        assert look().seconds_left >= 0
        self.on_message(f"ended {job.label} {result.status}")


def run_pretended(
    plan: Plan,
    root: Path,
    notes: Notes | None = None,
    workers: int = 2,
    threads: int = 1,
    executor: ExecutorFactory | str = "local",
    settings: dict[str, Any] | None = None,
    **options: Any,
) -> int:
    named = executor if isinstance(executor, str) else "local"
    limits = options.pop("limits", Limits.of_budget(plan.record.budget))
    return run(
        plan,
        Store(root, plan.name),
        execution=Execution(
            **{"device": "cpu", "workers": workers, "threads": threads, "executor": named} | (settings or {})
        ),
        executor=None if isinstance(executor, str) else executor,
        limits=limits,
        listener=notes or Notes(),
        work=PRETENDING,
        **options,
    )
