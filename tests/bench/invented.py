"""Cases, clocks and ceilings made up for tests of the bench: nothing here takes time."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor

from ablate.bench.case import Candidate, Case, Pair, Setting, Shape, Work
from ablate.bench.ceilings import Ceilings
from ablate.bench.clock import Thunk, Timing
from ablate.bench.names import BACKWARD, BASELINE
from ablate.kernels import Function, Gradients, Tolerance

SHAPE = Shape(2, 3, 4, 5)
CEILINGS = Ceilings(copy=1e9, triad=1e9, read=1e9, flops=1e12, launch=1e-6, cache=1 << 10)
"""One gigabyte a second: the 1440 bytes of the case below take 1.44 us."""


class ToldClock:
    """A clock whose calls take as long as they say: the sum of what they return, all of it work of the device."""

    primary = "device"
    meaning = "told"

    def __init__(self, megahertz: Sequence[float] = ()) -> None:
        self._clock = iter(megahertz)

    def time(self, calls: Callable[[], Sequence[Thunk]]) -> Timing:
        thunks = calls()
        seconds = sum(float(thunk()) for thunk in thunks) / len(thunks)  # type: ignore[arg-type]
        return Timing(seconds, 2 * seconds)

    def megahertz(self) -> float | None:
        return next(self._clock, None)


def squares(images: Sequence[Tensor], reconstructions: Sequence[Tensor]) -> Gradients:
    """The mean squared error with its gradient, in the type of the inputs."""
    error = reconstructions[0] - images[0]
    return Gradients(error.square().mean(), (), (2 * error / error.numel(),))


def case_of(**candidates: Function | Candidate) -> Case:
    """Returns a case in which the definition is `squares` and so is the baseline."""

    def draw(stream: torch.Generator) -> Pair:
        image, reconstruction = (torch.randn(SHAPE, generator=stream) for _ in range(2))
        return Pair((image,), (reconstruction,))

    def trials(seed: int) -> Iterator[tuple[str, Pair]]:
        odd = torch.randn(1, 3, 3, 7, generator=torch.Generator().manual_seed(seed % (1 << 30)))
        yield "odd sides", Pair((odd,), (odd.flip(-1),))

    made = [
        candidate if isinstance(candidate, Candidate) else Candidate(name, lambda function=candidate: function)
        for name, candidate in candidates.items()
    ]
    return Case(
        kernel="squares",
        setting=Setting(BACKWARD, SHAPE, torch.float32, "cpu"),
        draw=draw,
        trials=trials,
        reference=squares,
        tolerance=Tolerance(1e-5, 1e-9, 1e-5),
        work=Work(bytes=3 * 4 * math.prod(SHAPE), flops=0),
        candidates=(Candidate(BASELINE, lambda: squares), *made),
    )


def taking(seconds: float, *, swing: Sequence[float] = (1.0,)) -> list[Thunk]:
    """Returns a call for a ToldClock that takes so long, times the next of some factors."""
    factors = itertools.cycle(swing)
    return [lambda: seconds * next(factors)]
