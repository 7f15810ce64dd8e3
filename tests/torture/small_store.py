"""A store that trainings of a second left: two finished cells, one that was stopped half-way, and their warm-up."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from tests.torture.children import Children, Ended

NAME = "tortured"
GRID = f"""
schema = 1
name = "{NAME}"
[base]
preset = "tiny"
model.width = 8
discriminator.width = 8
discriminator.layers = 2
data.source = "folder"
data.train = "images/train"
data.test = "images/test"
data.crop = 32
data.batch_size = 2
train.steps = 6
train.warmup_steps = 4
train.checkpoint_every = 2
train.log_every = 2
[axes]
"loss.adversarial" = ["lsgan", "hinge", "wgan"]
[compare]
baseline = {{ "loss.adversarial" = "lsgan" }}
margin = {{ psnr = 0.1 }}
"""

SECONDS = 600.0


def write_inputs(directory: Path) -> Path:
    """Writes the images and the grid file, and returns the latter."""
    for split, count in (("train", 3), ("test", 2)):
        (directory / "images" / split).mkdir(parents=True, exist_ok=True)
        for number in range(count):
            pixels = np.random.default_rng([count, number]).integers(0, 256, (9, 11, 3), dtype=np.uint8)
            image = Image.fromarray(pixels).resize((88, 72), Image.Resampling.BICUBIC)
            image.save(directory / "images" / split / f"{number}.png")
    path = directory / f"{NAME}.toml"
    path.write_text(GRID)
    return path


def make_store(directory: Path, children: Children) -> Path:
    """Trains the grid in a directory, and returns the root of its results; nothing of it is left undone but one cell.

    The cells are done by the very functions of a worker, without a runner.
    """
    grid, runs = write_inputs(directory), directory / "runs"

    def job(stopped_at: int = 0) -> Ended:
        return children.call(
            "tests.torture.small_store:do_next_job", str(grid), str(runs), stopped_at, patience=SECONDS
        )

    def command(*arguments: str | Path) -> Ended:
        return children.command(*arguments, "--runs-dir", runs, patience=SECONDS)

    steps: list[Callable[[], Ended]] = [
        *[job] * JOBS,
        lambda: command("references", grid),
        lambda: command("baseline", "update", grid, "--baseline", directory / BASELINE, "--reason", "torture"),
    ]
    for step in steps:
        ended = step()
        assert ended.code == 0, ended.output
    last = max((runs / NAME / "cells").iterdir(), key=lambda path: path.stat().st_mtime_ns)
    shutil.rmtree(last)
    assert job(STOPPED_AT).code == 0
    return runs


BASELINE = "baseline.json"
NOTHING_LEFT = 4
JOBS, STOPPED_AT = 4, 3
"""The warm-up and three cells; the step after which the last one is stopped."""


def do_next_job(grid: str, runs: str, stopped_at: int = 0) -> int:
    """Does the first unfinished job of a grid in this process, or its first steps.

    Returns its exit status, NOTHING_LEFT where every job was done.
    """
    from ablate.execute import load_plan
    from ablate.execute.jobs import jobs
    from ablate.execute.work import train
    from ablate.execute.worker import Conditions, do_job
    from ablate.records import Environment
    from ablate.store import Store

    plan = load_plan(Path(grid), Path(runs), remember=True)
    store = Store(Path(runs), plan.name)
    plan.write(store)
    steps = iter(range(1, stopped_at))
    conditions = Conditions("cpu", 1, None, Environment(fingerprint=plan.record.fingerprint), kernels="eager")
    job = next((job for job in jobs(plan, store) if job.entry(store).result() is None), None)
    if job is None:
        return NOTHING_LEFT
    return do_job(train, job, store, conditions, lambda: bool(stopped_at) and next(steps, None) is None)
