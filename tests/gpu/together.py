"""Several cells at once on one GPU: python -m tests.gpu.together --device cuda --into FILE.

In processes of their own, as `ablate run` has them, with and without NVIDIA's multi-process service, and in one process
with a captured step and a stream for each. All begin to be counted at the same moment; a row says how many steps they
took together. A row is written as soon as it is measured, and rows that are there are not measured again.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ablate.atomic import write_json
from tests.gpu.parts import ROOT, UNFINISHED, python

COUNTS = (1, 2, 4, 8, 16)
PROCESSES, SERVICE, STREAMS = "processes", "processes, MPS", "streams of graphs"
WAYS = (PROCESSES, SERVICE, STREAMS)
SECONDS = 5.0
READY_SECONDS = 90.0
"""For all processes to import, build their networks and warm up."""
CONTROL = "nvidia-cuda-mps-control"


def rows(device: str, into: Path, seconds: float, counts: Sequence[int], counted: float) -> bool:
    """Measures what is not there yet while there is time; says whether all is there."""
    document: dict[str, Any] = json.loads(into.read_text("utf-8")) if into.exists() else {"device": device, "rows": []}
    until, whole = time.monotonic() + seconds, True
    for count in counts:
        for way in WAYS:
            if any((row["way"], row["cells"]) == (way, count) for row in document["rows"]):
                continue
            if time.monotonic() > until:
                whole = False
                continue
            row = {"way": way, "cells": count, **measured(way, count, device, counted)}
            document["rows"].append(row)
            write_json(into, document)
            print(row, flush=True)
    return whole


def measured(way: str, count: int, device: str, seconds: float) -> dict[str, Any]:
    """Returns a row, or why there are no figures."""
    workers, of_each = (1, count) if way == STREAMS else (count, 1)
    try:
        with service() if way == SERVICE else contextlib.nullcontext({}) as environment:
            found = raced(workers, of_each, device, seconds, environment, graphed=way == STREAMS)
    except (RuntimeError, OSError, TimeoutError) as error:
        return {"status": "failed", "reason": str(error)}
    steps, images = sum(each["steps"] for each in found), found[0]["images"]
    return {
        "status": "measured",
        "steps_a_second": sum(each["steps"] / each["seconds"] for each in found),
        "images_a_second": images * sum(each["steps"] / each["seconds"] for each in found),
        "steps": steps,
        "peak_bytes": [each["peak_bytes"] for each in found],
    }


def raced(
    workers: int, of_each: int, device: str, seconds: float, environment: Mapping[str, str], *, graphed: bool
) -> list[dict[str, Any]]:
    """Starts processes, lets them begin together, and returns what each counted.

    Raises:
        RuntimeError: where one ends before, with the last that it said.
        TimeoutError: where one is not ready in time.
    """
    command = python("-m", "tests.gpu.together", "--device", device, "--seconds", seconds, "--cells", of_each)
    command += ["--worker", "graphed" if graphed else "plain"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with contextlib.ExitStack() as stack:
        begun: list[subprocess.Popen[str]] = []
        for _ in range(workers):
            process = subprocess.Popen(command, cwd=ROOT, env=os.environ | environment, **pipes)
            stack.enter_context(process)
            stack.callback(process.kill)
            begun.append(process)
        ends = time.monotonic() + READY_SECONDS
        for process in begun:
            if _line(process, ends) != "ready":
                raise RuntimeError(f"a process ended: {_last_line(process)}")
        for process in begun:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        return [json.loads(_line(process, ends + seconds + READY_SECONDS)) for process in begun]


def _line(process: subprocess.Popen[str], ends: float) -> str:
    """Returns the next line of a process; empty where it has ended."""
    import selectors

    assert process.stdout is not None
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        if not selector.select(max(0.0, ends - time.monotonic())):
            raise TimeoutError(f"a process was not ready within {READY_SECONDS:.0f} s")
    return process.stdout.readline().strip()


def _last_line(process: subprocess.Popen[str]) -> str:
    assert process.stderr is not None
    process.kill()
    return (process.stderr.read().strip().splitlines() or ["it said nothing"])[-1]


@contextlib.contextmanager
def service() -> Iterator[dict[str, str]]:
    """Runs NVIDIA's multi-process service for the block; gives what processes need in their environment to use it.

    Raises:
        RuntimeError: where it is not installed, or does not start.
    """
    if shutil.which(CONTROL) is None:
        raise RuntimeError(f"{CONTROL} is not here")
    with tempfile.TemporaryDirectory(prefix="mps") as place:
        environment = {"CUDA_MPS_PIPE_DIRECTORY": place, "CUDA_MPS_LOG_DIRECTORY": place}
        how: dict[str, Any] = {"env": os.environ | environment, "capture_output": True, "text": True}
        started = subprocess.run([CONTROL, "-d"], check=False, **how)
        if started.returncode:
            raise RuntimeError(f"{CONTROL} does not start: {(started.stderr or started.stdout).strip()}")
        try:
            yield environment
        finally:
            subprocess.run([CONTROL], input="quit\n", timeout=60, check=False, **how)


def work(device: str, seconds: float, cells: int, *, graphed: bool) -> None:
    """One process: a cell that trains as it does elsewhere, or several from captured steps, each on its own stream."""
    import torch

    from ablate.bench.training_step import BareTraining, cell_of
    from ablate.networks.exact import full_float32
    from ablate.objective import Kernels
    from tests.gpu.graphed import GraphedStep, on_cuda
    from tests.gpu.recorded import recorded
    from tests.gpu.steps import DRY, FIRST

    dry, said = device == "cpu", sys.stdout
    sys.stdout = sys.stderr
    torch.set_num_threads(1)
    streams = [contextlib.nullcontext() if dry else torch.cuda.stream(torch.cuda.Stream()) for _ in range(cells)]
    with tempfile.TemporaryDirectory() as directory, full_float32():
        cache = Path(directory)
        preset, smaller = ("tiny", DRY) if dry else ("small", {})
        # What stands in for a graph on a CPU records torch's operations, and C that is called is none.
        kernels: Kernels = "eager" if dry and graphed else "auto"
        cells_of = [cell_of(preset, cache, seed=seed, **smaller) for seed in range(cells)]
        trainings = [BareTraining(cell, cache, device, kernels) for cell in cells_of]
        step_of = [GraphedStep(each, recorded if dry else on_cuda).step if graphed else each.step for each in trainings]

        def all_step() -> None:
            for stream, step in zip(streams, step_of, strict=True):
                with stream:
                    step()

        for _ in range(FIRST):
            all_step()
        _wait(dry)
        print("ready", file=said, flush=True)
        sys.stdin.readline()
        began, steps = time.perf_counter(), 0
        while time.perf_counter() - began < seconds:
            all_step()
            steps += cells
            if steps % 32 < cells:
                _wait(dry)  # launches must not run ahead of what is counted
        _wait(dry)
        peak = None if dry else torch.cuda.max_memory_allocated()
        images = trainings[0].cell.data.batch_size
        counted = {"steps": steps, "seconds": time.perf_counter() - began, "images": images, "peak_bytes": peak}
        print(json.dumps(counted), file=said, flush=True)


def _wait(dry: bool) -> None:
    if not dry:
        import torch

        torch.cuda.synchronize()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--into", type=Path)
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--worker", choices=("plain", "graphed"), help=argparse.SUPPRESS)
    parser.add_argument("--cells", type=int, default=1, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        work(options.device, options.seconds, options.cells, graphed=options.worker == "graphed")
        return 0
    dry = options.device == "cpu"
    whole = rows(options.device, options.into, options.seconds, (2,) if dry else COUNTS, 0.3 if dry else SECONDS)
    return 0 if whole else UNFINISHED


if __name__ == "__main__":
    sys.exit(main())
