"""How many times as fast as its definition a training step is: python -m tests.bench.step_against_eager.

Each round takes one step of every variant in turn and compares their processor time with the eager step in float32 of
the same round, on one thread. Prints the median of the ratios and the half of them around it.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path

import torch

from ablate.bench.training_step import BareTraining, cell_of, split_of
from ablate.cores import cores
from ablate.networks.exact import full_float32

BASELINE = "eager, float32"
VARIANTS = {
    BASELINE: ("eager", "float32"),
    "eager, bfloat16": ("eager", "bfloat16"),
    "auto, float32": ("auto", "float32"),
    "auto, bfloat16": ("auto", "bfloat16"),
}
WARM_UP = 3


def ratios(preset: str, rounds: int, cache: Path) -> dict[str, dict[str, object]]:
    """Returns each variant's milliseconds, and its ratio to the baseline as lower quartile, median, upper quartile."""
    trainings = {
        name: BareTraining(cell_of(preset, cache, train__precision=precision), cache, kernels=kernels)
        for name, (kernels, precision) in VARIANTS.items()
    }
    for training in trainings.values():
        for _ in range(WARM_UP):
            training.step()
    taken = []
    for _ in range(rounds):
        row = {}
        for name, training in trainings.items():
            began = time.process_time()
            training.step()
            row[name] = time.process_time() - began
        taken.append(row)
    return {
        name: {
            "ms": 1e3 * statistics.median(row[name] for row in taken),
            "ratio": statistics.quantiles((row[BASELINE] / row[name] for row in taken), n=4),
            "split_ms": {part: 1e3 * seconds for part, seconds in split_of(training, "cpu", 5).items()},
        }
        for name, training in trainings.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--presets", nargs="+", default=["tiny", "small"])
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--json", type=Path, help="write the figures here, too")
    options = parser.parse_args()
    torch.set_num_threads(1)
    found = {}
    with tempfile.TemporaryDirectory() as directory, full_float32():
        for preset in options.presets:
            found[preset] = ratios(preset, options.rounds, Path(directory))
            print(f"{preset}, {options.rounds} rounds, one thread of {cores()} cores")
            for name, figures in found[preset].items():
                low, median, high = figures["ratio"]
                split = ", ".join(f"{part} {ms:.1f}" for part, ms in figures["split_ms"].items())
                print(f"  {name:16} {figures['ms']:7.2f} ms  {median:.2f}x ({low:.2f} to {high:.2f})  {split}")
    if options.json:
        options.json.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
