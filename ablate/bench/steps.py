"""Measures the whole training step under the settings that change its speed and nothing else."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch

from ablate.bench.case import Shape, Work
from ablate.bench.gate import attempt
from ablate.bench.measure import Bench
from ablate.bench.names import BASELINE, CONTROL, TRAINING_STEP, Row
from ablate.bench.traffic import traffic
from ablate.bench.training_step import PRESETS, BareTraining, cell_of, split_of
from ablate.objective import Kernels


class Variant(NamedTuple):
    """How losses are computed, and in which memory format the networks are."""

    kernels: Kernels
    settings: Mapping[str, object]


VARIANTS: Mapping[str, Variant] = {
    BASELINE: Variant("eager", {}),
    "auto": Variant("auto", {}),
    "channels-last": Variant("eager", {"train__channels_last": True}),
    "auto-channels-last": Variant("auto", {"train__channels_last": True}),
}
TOLERANCE = 1e-3
"""Of both losses and of the codec's gradients in the first step, against eager. The step has no float64 form, since the
codec itself goes back to float32; its losses are held to float64 one by one."""
SPLIT_STEPS = 5


@dataclass(frozen=True)
class Steps:
    """The training step of a device's preset, on its own batch unless there is a shape."""

    device: str
    cache: Path
    shape: Shape | None = None

    def measure(self, bench: Bench, seconds: float, longest: float) -> list[Row]:
        """Returns a row for each variant; `seconds` and `longest` as for a case."""
        # The variants whose first step is eager's.
        deadlines = bench.deadlines(seconds, longest)
        eager = self._training(BASELINE)
        expected: dict[str, torch.Tensor] = {}
        counted = traffic(lambda: expected.update(first_step(eager)))
        about, rows, trainings = self._about(eager), [], {BASELINE: eager}
        for name in VARIANTS:
            if name == BASELINE or (bench.wanted and name not in bench.wanted):
                continue
            training = self._training(name)
            if (problem := attempt(functools.partial(refusal, training, expected))) is None:
                trainings[name] = training
            else:
                rows.append({**about, "backend": name, "status": "failed", "reason": problem})
        trainings[CONTROL] = self._training(BASELINE)

        # Times, and a row for each.
        thunks = {name: [training.step] for name, training in trainings.items()}
        work = Work(bytes=0, flops=counted.flops)
        for name, row in bench.timed(thunks, work, counted, deadlines, after=SPLIT_STEPS + 1).items():
            if row["status"] != "skipped":
                images = eager.cell.data.batch_size
                row["images_a_second"] = {time: images / value for time, value in row["median"]["cold"].items()}
                row["split"] = None if name == CONTROL else split_of(trainings[name], self.device, SPLIT_STEPS)
            rows.append(about | row)
        return rows

    def _training(self, variant: str) -> BareTraining:
        kernels, settings = VARIANTS[variant].kernels, dict(VARIANTS[variant].settings)
        if self.shape is not None:
            settings |= {"data__batch_size": self.shape.images, "data__crop": self.shape.height}
        return BareTraining(cell_of(PRESETS[self.device], self.cache, **settings), self.cache, self.device, kernels)

    def _about(self, training: BareTraining) -> Row:
        cell = training.cell
        return {
            "kernel": TRAINING_STEP,
            "direction": "step",
            "shape": str(Shape(cell.data.batch_size, 3, cell.data.crop, cell.data.crop)),
            "dtype": cell.train.precision,
            "device": self.device,
            "preset": PRESETS[self.device],
            "peer": None,
        }


def refusal(training: BareTraining, expected: Mapping[str, torch.Tensor]) -> str | None:
    """Takes a training's first step and says where it differs from eager's."""
    found = first_step(training)
    for name, tensor in expected.items():
        distance = float((found[name] - tensor).norm() / tensor.norm())
        if not distance <= TOLERANCE:
            return f"in the first step, {name} differs from eager by {distance:.2g}, above {TOLERANCE:.2g}"
    return None


def first_step(training: BareTraining) -> dict[str, torch.Tensor]:
    """Returns both players' losses and the codec's gradients."""
    discriminator, generator = training.step()
    gradients = [weight.grad.flatten() for weight in training.state.codec.parameters() if weight.grad is not None]
    return {
        "the discriminator's loss": discriminator,
        "the generator's loss": generator,
        "the codec's gradient": torch.cat(gradients),
    }
