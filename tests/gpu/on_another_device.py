"""Replays a training step on a device that is none, and prints as JSON what went wrong or was waited for.

A program of its own, since the device is registered with torch for good.

python -m tests.gpu.on_another_device
"""

from __future__ import annotations

import json
import sys
import tempfile
import warnings
from pathlib import Path

import torch

from ablate.bench.training_step import BareTraining, cell_of
from ablate.networks.exact import full_float32
from tests.gpu.graphed import GraphedStep
from tests.gpu.recorded import recorded
from tests.pretended_device import DEVICE, pretending, waits

STEPS = 6


def main() -> None:
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    settings = {"data__crop": 32, "data__batch_size": 2, "model__noise": True, "model__noise_channels": 8}
    with tempfile.TemporaryDirectory() as directory, full_float32():
        cache = Path(directory)
        cell = cell_of("tiny", cache, **settings)
        eager = BareTraining(cell, cache)
        expected = [[float(loss) for loss in eager.step()] for _ in range(STEPS)]
        with pretending():
            step = GraphedStep(BareTraining(cell, cache, DEVICE), recorded).step
            found, waited = [], []
            for _ in range(STEPS):
                before = len(waits)
                losses = step()
                waited.append(waits[before:])
                found.append([float(loss) for loss in losses])
    json.dump({"expected": expected, "found": found, "waited": waited}, sys.stdout)


if __name__ == "__main__":
    main()
