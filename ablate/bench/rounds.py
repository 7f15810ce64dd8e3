"""Rounds in which all candidates take their turn in random order, until the ratios are known or time is up."""

from __future__ import annotations

import gc
import math
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np

from ablate.bench.budget import OutOfTime
from ablate.bench.clock import Clock, Quantity, Thunk, Timing
from ablate.bench.names import BASELINE, CONTROL, StopReason
from ablate.bench.ratios import paired_ratio

Temperature = Literal["cold", "warm"]

WARM_UP_SECONDS = 0.3
FLAT = 0.05
"""Two halves of the warm-up whose medians differ by less count as a steady clock."""
DRIFT = 0.03
SAMPLE_SECONDS = 2e-3
LONGEST_BURST = 64
FEWEST_FOR_INTERVAL, FEWEST_ROUNDS, MOST_ROUNDS = 6, 10, 200
NEXT_TO_NOTHING = 0.05
PRECISE = 0.01


class Deadlines(NamedTuple):
    """Until when rounds go on, on the clock of budgets.

    `share` is the end of the case's part of the budget; where too few rounds for an interval are done by then, they go
    on until `budget`.
    """

    share: float
    budget: float


@dataclass
class Samples:
    """The times of all candidates, a mapping for each round that was finished.

    Attributes:
        repeats: calls in a sample, by candidate.
        temperatures: those that were measured.
        warm_up_seconds: how long the warm-up took.
        steady: whether times were steady by its end.
        rounds: the times by candidate and temperature.
        megahertz: the device's clock after each round.
        stopped_by: why there are no more rounds.
    """

    repeats: dict[str, int]
    temperatures: tuple[Temperature, ...]
    warm_up_seconds: float
    steady: bool
    rounds: list[dict[str, dict[Temperature, Timing]]] = field(default_factory=list)
    megahertz: list[float | None] = field(default_factory=list)
    stopped_by: StopReason = StopReason.budget

    @property
    def unsteady_rounds(self) -> int:
        """Rounds after which the device's clock was off its median by more than DRIFT; they are kept, and counted."""
        known = [value for value in self.megahertz if value is not None]
        usual = statistics.median(known or [0.0])
        return sum(abs(value - usual) > DRIFT * usual for value in known)

    def seconds(self, name: str, temperature: Temperature, quantity: Quantity) -> list[float]:
        """Returns one candidate's samples."""
        return [getattr(timings[name][temperature], quantity) for timings in self.rounds]

    def gaps(self, name: str) -> int:
        """Counts a candidate's samples in which the device waited for the host."""
        return sum(timing.gaps for timings in self.rounds for timing in timings[name].values())


def run_rounds(
    candidates: Mapping[str, Sequence[Thunk]],
    clock: Clock,
    seed: int,
    deadlines: Deadlines,
    *,
    transfer: float = math.inf,
    after: int = 1,
    now: Callable[[], float] = time.monotonic,
) -> Samples:
    """Measures the candidates beside the baseline, which is one of them, until all ratios are known or time is up.

    A cold sample goes on to sets that nobody has touched since all others were; a warm one repeats the last. Samples of
    a round that was not finished, because it was interrupted, have no partners and are left out; nothing else is.

    Args:
        candidates: by name, a thunk for every set of inputs.
        clock: what times them.
        seed: of the order within rounds.
        deadlines: until when to go on, unless the ratios are known before.
        transfer: seconds in which inputs come from memory; where that is next to nothing of the fastest candidate's
            time, cold and warm are the same, and only cold is measured.
        after: what comes after the last round, in rounds; so much time is left over for it.
        now: the clock that the deadlines are on.
    """
    sampler = _Sampler(candidates, clock)
    samples = _warmed_up(sampler, (deadlines.share - now()) / 4, transfer, now)
    order, names = np.random.default_rng(seed), list(candidates)
    slowest = 0.0
    with _no_garbage_collection():
        try:
            while (reason := _reached(samples, clock.primary, deadlines, now() + (1 + after) * slowest)) is None:
                began = now()
                turns = (names[index] for index in order.permutation(len(names)))
                samples.rounds.append({name: sampler.both(name, samples) for name in turns})
                samples.megahertz.append(clock.megahertz())
                slowest = max(slowest, now() - began)
        except KeyboardInterrupt as error:
            reason = StopReason.budget if isinstance(error, OutOfTime) else StopReason.interrupted
    samples.stopped_by = reason
    return samples


class _Sampler:
    """Takes samples, going through the sets of inputs for all candidates together."""

    def __init__(self, candidates: Mapping[str, Sequence[Thunk]], clock: Clock) -> None:
        self.thunks = candidates
        self._clock = clock
        self._sets = max(map(len, candidates.values()))
        self._last = 0

    def both(self, name: str, samples: Samples) -> dict[Temperature, Timing]:
        """Takes a sample at each temperature that is measured."""
        take = {"cold": self.cold, "warm": self._warm}
        return {temperature: take[temperature](name, samples.repeats[name]) for temperature in samples.temperatures}

    def cold(self, name: str, repeats: int = 1) -> Timing:
        return self._clock.time(lambda: [self._next(self.thunks[name]) for _ in range(repeats)])

    def _warm(self, name: str, repeats: int) -> Timing:
        thunks = self.thunks[name]
        return self._clock.time(lambda: [thunks[self._last % len(thunks)]] * repeats)

    def _next(self, thunks: Sequence[Thunk]) -> Thunk:
        self._last = (self._last + 1) % self._sets
        return thunks[self._last % len(thunks)]


def _warmed_up(sampler: _Sampler, seconds: float, transfer: float, now: Callable[[], float]) -> Samples:
    """Runs all candidates until the clock is steady, and finds how many calls make a sample long enough."""
    began, seen = now(), {name: [sampler.cold(name).call] for name in sampler.thunks}
    steady = False
    while not steady and now() - began < min(seconds, 3 * WARM_UP_SECONDS):
        for name, calls in seen.items():
            calls.append(sampler.cold(name).call)
        steady = now() - began >= WARM_UP_SECONDS and all(map(_flat, seen.values()))
    repeats = {}
    for name, calls in seen.items():
        wanted = math.ceil(SAMPLE_SECONDS / max(min(calls), 1e-9))
        repeats[name] = max(1, min(wanted, LONGEST_BURST, len(sampler.thunks[name]) // 2))
    if CONTROL in repeats:
        repeats[CONTROL] = repeats[BASELINE]
    fastest = min(map(min, seen.values()))
    temperatures: tuple[Temperature, ...] = ("cold", "warm") if transfer > NEXT_TO_NOTHING * fastest else ("cold",)
    return Samples(repeats, temperatures, now() - began, steady)


def _flat(seconds: Sequence[float]) -> bool:
    half = len(seconds) // 2
    if half < 2:
        return False
    earlier, later = statistics.median(seconds[:half]), statistics.median(seconds[half:])
    return abs(later - earlier) <= FLAT * earlier


def _reached(samples: Samples, primary: Quantity, deadlines: Deadlines, done_at: float) -> StopReason | None:
    """Says why there shall be no further round, which would be done by `done_at`; None where there shall be one."""
    rounds = len(samples.rounds)
    if rounds >= FEWEST_ROUNDS:
        eager = samples.seconds(BASELINE, "cold", primary)
        others = (samples.seconds(name, "cold", primary) for name in samples.repeats if name != BASELINE)
        if all(paired_ratio(eager, other).half_width <= PRECISE for other in others):
            return StopReason.precise
    if rounds >= MOST_ROUNDS:
        return StopReason.rounds
    deadline = deadlines.share if rounds >= FEWEST_FOR_INTERVAL else max(deadlines)
    return StopReason.budget if rounds and done_at >= deadline else None


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    gc.collect()
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()
