"""The whole training step in every way that it can be taken: python -m tests.gpu.steps --device cuda --into FILE.

Each variant takes the first steps of the same training; one whose losses there are not eager's is not timed. A row is
written as soon as it is measured, and rows that are there are not measured again.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch

from ablate.atomic import write_json
from ablate.bench.ceilings import measure_ceilings
from ablate.bench.clock import clock_for
from ablate.bench.traffic import traffic
from ablate.bench.training_step import BareTraining, cell_of
from ablate.networks.exact import full_float32
from ablate.objective import Kernels
from tests.gpu.graphed import GraphedStep, on_cuda
from tests.gpu.parts import UNFINISHED
from tests.gpu.recorded import recorded


class Variant(NamedTuple):
    """How a step is taken: settings of the cell, which losses, whether products may round to TF32, and from a graph."""

    settings: Mapping[str, object] = {}
    kernels: Kernels = "eager"
    tf32: bool = False
    graph: bool = False


LAST = {"train__channels_last": True}
HALF = {**LAST, "train__precision": "bfloat16"}
VARIANTS: Mapping[str, Variant] = {
    "eager": Variant(),
    "auto": Variant(kernels="auto"),
    "channels_last": Variant(LAST),
    "TF32": Variant(LAST, tf32=True),
    "bfloat16": Variant(HALF),
    "graph": Variant(LAST, "auto", graph=True),
    "TF32, graph": Variant(LAST, "auto", tf32=True, graph=True),
    "bfloat16, graph": Variant(HALF, "auto", graph=True),
}
PRESETS = ("small", "paper")
DRY = {"data__crop": 32, "data__batch_size": 2}
FIRST = 5
"""Steps whose losses are compared: three to warm up, the capture and a replay."""
TOLERANCE = {"float32": 2e-3, "bfloat16": 0.05}
"""Of both losses in the first step, relative to eager's; TF32 keeps three digits."""
LATER = 50
"""How many times as far the steps behind it may be: rounding moves a symbol, and from there on the training."""
Losses = list[tuple[float, float]]
SAMPLES, SAMPLE_SECONDS = 5, 1.0
RATE = {"TF32": "tf32", "bfloat16": "bfloat16"}


class Session:
    """The rows of a device, in a file."""

    def __init__(self, device: str, into: Path, seconds: float, cache: Path) -> None:
        self._device, self._into, self._cache = device, into, cache
        self._until = time.monotonic() + seconds
        self._document = json.loads(into.read_text("utf-8")) if into.exists() else {"rows": []}

    @property
    def _dry(self) -> bool:
        return self._device == "cpu"

    def run(self) -> bool:
        """Measures what is not there yet while there is time; says whether all is there."""
        if "rates" not in self._document:
            self._document |= {"device": self._device, "rates": dict(product_rates(self._device))}
        whole = True
        for preset in ("tiny",) if self._dry else PRESETS:
            expected: Losses = []
            for name in VARIANTS:
                if any((row["preset"], row["variant"]) == (preset, name) for row in self._document["rows"]):
                    continue
                if time.monotonic() > self._until:
                    whole = False
                    continue
                expected = expected or self._first(preset, Variant())[1]
                row = {"preset": preset, "variant": name, **self._row(preset, name, expected)}
                self._document["rows"].append(row)
                write_json(self._into, self._document)
                print(row, flush=True)
        return whole

    def _first(self, preset: str, variant: Variant) -> tuple[BareTraining, Losses, Callable[[], Any]]:
        """Returns a training, the losses of its first steps, and what takes a further one."""
        settings = {**variant.settings, **(DRY if self._dry else {})}
        # What stands in for a graph on a CPU records torch's operations, and C that is called is none.
        kernels: Kernels = "eager" if self._dry and variant.graph else variant.kernels
        training = BareTraining(cell_of(preset, self._cache, **settings), self._cache, self._device, kernels)
        step: Callable[[], Any] = training.step
        if variant.graph:
            step = GraphedStep(training, recorded if self._dry else on_cuda).step
        with precision(variant.tf32):
            losses = [(float(a), float(b)) for a, b in (step() for _ in range(FIRST))]
        return training, losses, step

    def _row(self, preset: str, name: str, expected: Losses) -> dict[str, Any]:
        variant = VARIANTS[name]
        if not self._dry:
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats()
        try:
            training, losses, step = self._first(preset, variant)
            off = [
                max(abs(a - b) / abs(b) for a, b in zip(*pair, strict=True))
                for pair in zip(losses, expected, strict=True)
            ]
            with precision(variant.tf32):
                seconds = sampled(step, self._device)
        except (RuntimeError, ValueError) as error:
            return {"status": "failed", "reason": f"{type(error).__name__}: {error}"}
        kind = training.cell.train.precision
        if not (off[0] <= TOLERANCE[kind] and max(off) <= LATER * TOLERANCE[kind]):
            told = ", ".join(f"{each:.2g}" for each in off)
            return {"status": "failed", "reason": f"losses of the first {FIRST} steps are off eager's by {told}"}
        middle, batch = statistics.median(seconds), training.cell.data.batch_size
        flops = self._flops(preset)
        rate = self._document["rates"]["tf32" if variant.tf32 else kind]
        return {
            "status": "measured",
            "seconds": middle,
            "samples": seconds,
            "images_a_second": batch / middle,
            "batch": f"{batch}x3x{training.cell.data.crop}x{training.cell.data.crop}",
            "flops": flops,
            "share_of_peak": flops / middle / rate,
            "off_eager": off,
            "peak_bytes": None if self._dry else torch.cuda.max_memory_allocated(),
        }

    def _flops(self, preset: str) -> int:
        """Returns the operations of a step's products, counted once."""
        known: dict[str, int] = self._document.setdefault("flops", {})
        if preset not in known:
            known[preset] = traffic(self._first(preset, Variant())[0].step).flops
        return known[preset]


def product_rates(device: str) -> Iterator[tuple[str, float]]:
    """Yields the operations a second that products of large matrices reach, by how they round."""
    clock, side = clock_for(device, 1), 256 if device == "cpu" else 8192
    yield "float32", measure_ceilings(clock, device, rounds=1 if device == "cpu" else 5).flops
    for name, dtype in (("tf32", torch.float32), ("bfloat16", torch.bfloat16)):
        first, second = (torch.randn(side, side, device=device, dtype=dtype) for _ in range(2))
        with precision(name == "tf32"):
            call = lambda first=first, second=second: torch.mm(first, second)  # noqa: E731
            call()
            yield name, 2 * side**3 / min(clock.time(lambda call=call: [call] * 3).device for _ in range(5))


@contextlib.contextmanager
def precision(tf32: bool) -> Iterator[None]:
    """Lets float32 be float32, or round to TF32 in products and convolutions."""
    if not tf32:
        with full_float32():
            yield
        return
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("high")
    try:
        with torch.backends.cudnn.flags(allow_tf32=True):
            yield
    finally:
        torch.set_float32_matmul_precision(before)


def sampled(step: Callable[[], Any], device: str) -> list[float]:
    """Returns the seconds of a step, a few times, each the mean of as many as a second has."""

    def timed(steps: int) -> float:
        if device == "cuda":
            torch.cuda.synchronize()
        began = time.perf_counter()
        for _ in range(steps):
            step()
        if device == "cuda":
            torch.cuda.synchronize()
        return (time.perf_counter() - began) / steps

    if device == "cpu":
        return [timed(1)]
    steps = max(3, round(SAMPLE_SECONDS / timed(3)))
    return [timed(steps) for _ in range(SAMPLES)]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--into", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=600.0)
    options = parser.parse_args()
    torch.set_num_threads(1 if options.device == "cpu" else 8)
    with tempfile.TemporaryDirectory() as cache:
        return 0 if Session(options.device, options.into, options.seconds, Path(cache)).run() else UNFINISHED


if __name__ == "__main__":
    sys.exit(main())
