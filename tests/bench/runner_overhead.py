"""Compares what a step costs in `ablate run` with the bare training step; the overhead shall be under 5 %.

    python -m tests.bench.runner_overhead [--steps 300] [--rounds 5]

Each round trains one cell of the preset `tiny`, on one thread, once with nothing around the step and once through
`ablate run` (a worker process that logs, keeps telemetry and checkpoints, watched by a runner), in turn and in
processes of their own. Prints each round's time a step, bare and run, their ratio, and the median of the ratios; also
the processor time of the runner itself, which a second core pays, for each second that its cell trains.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

GRID = """
schema = 1
name = "overhead"
[base]
preset = "tiny"
train.steps = {steps}
train.warmup_steps = 0
[seeds]
values = [0]
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--bare", metavar="CACHE", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.bare:
        print(bare(Path(options.bare), options.steps))
        return
    ratios = []
    with tempfile.TemporaryDirectory() as directory:
        for number in range(options.rounds):
            alone = in_own_process(Path(directory), options.steps)
            whole, loop, runner = through_the_runner(Path(directory) / str(number), options.steps)
            ratios.append(loop / alone)
            print(
                f"bare {1e3 * alone / options.steps:.2f} ms/step, run {1e3 * loop / options.steps:.2f} ms/step, ratio "
                f"{ratios[-1]:.3f}; `ablate run` {whole:.1f} s, its runner's processor time {runner:.1f} s",
                flush=True,
            )
    print(f"ratio: median {statistics.median(ratios):.3f}, {min(ratios):.3f} to {max(ratios):.3f}")


def in_own_process(cache: Path, steps: int) -> float:
    command = [sys.executable, "-m", "tests.bench.runner_overhead", "--bare", str(cache), "--steps", str(steps)]
    return float(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)


def bare(cache: Path, steps: int) -> float:
    """Returns the seconds that the steps take, the first ones too, as in a cell."""
    import torch

    from ablate.bench.training_step import BareTraining, cell_of
    from ablate.execute.work import keep_freed_memory

    torch.set_num_threads(1)
    keep_freed_memory()
    training = BareTraining(cell_of("tiny", cache, train__steps=steps), cache, kernels="auto")
    began = time.perf_counter()
    for _ in range(steps):
        training.step()
    return time.perf_counter() - began


def through_the_runner(directory: Path, steps: int) -> tuple[float, float, float]:
    """Returns the seconds of the whole command, of the cell's training, and of the runner's processor time."""
    directory.mkdir()
    grid, runs = directory / "overhead.toml", directory / "runs"
    grid.write_text(GRID.format(steps=steps))
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    one = ("--workers", "1", "--threads", "1")
    command = [sys.executable, "-m", "ablate", "run", str(grid), *one, "--runs-dir", str(runs)]
    subprocess.run(command, check=True, capture_output=True)
    whole = time.perf_counter() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    (path,) = runs.glob("overhead/cells/*/result.json")
    # The worker is the fork server's child and no descendant that was waited for: this is the runner's own time.
    runner = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return whole, json.loads(path.read_text())["train_seconds"], runner


if __name__ == "__main__":
    main()
