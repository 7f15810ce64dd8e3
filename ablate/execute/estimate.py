"""How long trainings take, learned from those that are finished; a guess before the first."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from statistics import fmean
from typing import Any

from ablate.execute.jobs import Job
from ablate.execute.planning import Plan
from ablate.store import Store

GUESSED_SECONDS_PER_STEP = 0.2
"""A rough rate for 8 crops of 64 pixels at width 16 on one CPU core; only said before anything was measured."""
GUESSED_PIXELS, GUESSED_WIDTH = 8 * 64 * 64, 16


class Estimate:
    """Seconds per step of trainings of one shape: alike in model, discriminators, batch, crop and precision."""

    def __init__(self) -> None:
        self._rates: dict[str, list[float]] = defaultdict(list)

    @classmethod
    def of_finished(cls, plan: Plan, store: Store) -> Estimate:
        """Learns from the results that the store holds for the plan."""
        estimate = cls()
        done = [("cell", store.cell(point.id).result(), point.cell) for point in plan.points]
        done += [("warmup", store.warmup(id).result(), warmup["warmup"]) for id, warmup in plan.warmups.items()]
        for kind, result, training in done:
            if result and result["status"] == "done" and result["step"]:
                estimate.learn(kind, training, result["seconds"] / result["step"])
        return estimate

    def learn(self, kind: str, training: Mapping[str, Any], seconds_per_step: float) -> None:
        """Takes in one measured training."""
        for key in (_shape(kind, training), kind):
            self._rates[key].append(seconds_per_step)

    @property
    def measured(self) -> bool:
        """Whether a cell was measured, so that estimates are not guesses."""
        return "cell" in self._rates

    def seconds(self, job: Job, step: int = 0) -> float:
        """Returns how long a job takes from a step on: from those of its shape, else of its kind, else guessed."""
        shape = _shape(job.kind, job.training)
        rates = self._rates.get(shape) or self._rates.get(job.kind)
        rate = fmean(rates) if rates else _guess(job.training)
        return rate * max(0, job.steps - step)


def _shape(kind: str, training: Mapping[str, Any]) -> str:
    data = training["data"]
    precision = training["train"]["precision"] if kind == "cell" else training["precision"]
    parts = (kind, training["model"], training.get("discriminator"), data["batch_size"], data["crop"], precision)
    return json.dumps(parts, sort_keys=True)


def _guess(training: Mapping[str, Any]) -> float:
    pixels = training["data"]["batch_size"] * training["data"]["crop"] ** 2
    width = training["model"]["width"]
    return GUESSED_SECONDS_PER_STEP * pixels / GUESSED_PIXELS * (width / GUESSED_WIDTH) ** 2
