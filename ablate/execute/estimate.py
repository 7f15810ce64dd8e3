"""How long trainings take, learned from those that are finished or under way; a guess before the first."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from statistics import fmean
from typing import Any

from ablate.execute.jobs import Job
from ablate.execute.plan import Plan
from ablate.records import Result, Status
from ablate.store import Store

GUESSED_SECONDS_PER_STEP = 0.2
"""A rough rate for 8 crops of 64 pixels at width 16 on one CPU core; only said before anything was measured."""
GUESSED_SECONDS_PER_IMAGE = 0.5
"""Of a measurement, for an image of some 500 pixels a side."""
GUESSED_PIXELS, GUESSED_WIDTH = 8 * 64 * 64, 16


class Estimate:
    """The cost of trainings of one shape: alike in model, discriminators, batch, crop and precision."""

    def __init__(self) -> None:
        self._steps: dict[str, list[float]] = defaultdict(list)
        self._evaluations: dict[str, list[float]] = defaultdict(list)
        self._observed: dict[str, float] = {}
        self._keys: dict[str, tuple[str, str]] = {}

    @classmethod
    def of_finished(cls, plan: Plan, store: Store) -> Estimate:
        """Learns from the results that the store holds for the plan."""
        estimate = cls()
        for point in plan.points:
            if (entry := store.cell(point.id)).begun:
                estimate.learn("cell", point.cell, entry.readable_result())
        for name, warmup in plan.warmups.items():
            estimate.learn("warmup", warmup.warmup, store.warmup(name).readable_result())
        return estimate

    def learn(self, kind: str, training: Mapping[str, Any], result: Result | None) -> None:
        """Takes in the result of a training; one that diverged or is not there says nothing."""
        if result is None or result.status is not Status.done or not result.step:
            return
        if kind == "measure":
            for key in _keys(kind, training):
                self._steps[key].append(result.seconds / result.step)
        if result.train_seconds is None:
            return
        if kind == "cell" and result.eval_seconds and (images := _reconstructions(result)):
            self._observed["measure"] = result.eval_seconds / images
        for key in _keys(kind, training):
            self._steps[key].append(result.train_seconds / result.step)
            self._evaluations[key].append(result.eval_seconds or 0.0)

    def observe(self, job: Job, steps_per_second: float) -> None:
        """Takes in how fast a training is going; counts where none of its shape is finished."""
        for key in self._keys_of(job):
            self._observed[key] = 1 / steps_per_second

    @property
    def measured(self) -> bool:
        """Whether a cell was timed, so that estimates are no guesses."""
        return "cell" in self._steps or "cell" in self._observed

    @property
    def measurements_known(self) -> bool:
        """Whether an image was timed on its way through a codec and the metrics."""
        return "measure" in self._steps or "measure" in self._observed

    @property
    def seconds_per_image(self) -> float:
        """How long an image takes on its way through a codec and the metrics."""
        known = self._steps.get("measure")
        return fmean(known) if known else self._observed.get("measure", GUESSED_SECONDS_PER_IMAGE)

    def seconds(self, job: Job, step: int = 0) -> float:
        """Returns how long a job takes from a step on, with its evaluation."""
        keys = self._keys_of(job)
        evaluation = next((fmean(self._evaluations[key]) for key in keys if key in self._evaluations), 0.0)
        return self._seconds_per_step(keys, job.training) * max(0, job.steps - max(step, job.begins)) + evaluation

    def _keys_of(self, job: Job) -> tuple[str, str]:
        # Asked for every job at every look at a run.
        if job.id not in self._keys:
            self._keys[job.id] = _keys(job.kind, job.training)
        return self._keys[job.id]

    def _seconds_per_step(self, keys: tuple[str, str], training: Mapping[str, Any]) -> float:
        for key in keys:
            if key in self._steps:
                return fmean(self._steps[key])
            if key in self._observed:
                return self._observed[key]
        return GUESSED_SECONDS_PER_IMAGE if keys[1] == "measure" else _guess(training)


def _keys(kind: str, training: Mapping[str, Any]) -> tuple[str, str]:
    """Returns the groups of trainings that cost alike which one belongs to, the narrowest first."""
    data = training["data"]
    own = training if kind == "warmup" else training["train"]
    batch = data["batch_size"] * own.get("accumulate", 1)
    parts = (kind, training["model"], training.get("discriminator"), batch, data["crop"], own["precision"])
    return json.dumps(parts, sort_keys=True), kind


def _reconstructions(result: Result) -> int:
    return sum(name.startswith("eval/recon/") for name in result.artefacts)


def _guess(training: Mapping[str, Any]) -> float:
    images = training["data"]["batch_size"] * training.get("train", {}).get("accumulate", 1)
    pixels: float = images * training["data"]["crop"] ** 2
    width: float = training["model"]["width"]
    return GUESSED_SECONDS_PER_STEP * pixels / GUESSED_PIXELS * (width / GUESSED_WIDTH) ** 2
