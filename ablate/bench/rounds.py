"""Rounds in which all contenders take their turn in random order, until the ratios are known or time is up."""

from __future__ import annotations

import gc
import math
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from ablate.bench.budget import OutOfTime
from ablate.bench.clock import Clock, Quantity, Thunk, Timing
from ablate.bench.names import CONTROL
from ablate.bench.ratios import paired_ratio

Temperature = Literal["cold", "warm"]
TEMPERATURES: tuple[Temperature, ...] = ("cold", "warm")
Ending = Literal["precise", "rounds", "budget", "interrupted"]

WARM_UP_SECONDS = 0.3
FLAT = 0.05
"""Two halves of the warm-up whose medians differ by less count as a steady clock."""
DRIFT = 0.03
SAMPLE_SECONDS = 2e-3
LONGEST_BURST = 64
FEWEST_FOR_INTERVAL, FEWEST_ROUNDS, MOST_ROUNDS = 6, 10, 200
NEXT_TO_NOTHING = 0.05
PRECISE = 0.01


@dataclass
class Samples:
    """What was measured of each contender; all have as many samples, the n-th of each taken in the n-th round."""

    timings: dict[str, dict[Temperature, list[Timing]]]
    repeats: dict[str, int]
    warm_up_seconds: float
    steady: bool
    ending: Ending = "budget"
    rounds: int = 0
    gaps: dict[str, int] = field(default_factory=dict)
    megahertz: list[float | None] = field(default_factory=list)
    """The device's clock after each round."""

    @property
    def temperatures(self) -> tuple[Temperature, ...]:
        """Which were measured."""
        return tuple(next(iter(self.timings.values())))

    @property
    def unsteady_rounds(self) -> int:
        """Rounds after which the device's clock was off its median by more than DRIFT; they are kept, and counted."""
        known = [value for value in self.megahertz if value is not None]
        if not known:
            return 0
        usual = statistics.median(known)
        return sum(abs(value - usual) > DRIFT * usual for value in known)

    def seconds(self, name: str, temperature: Temperature, quantity: Quantity) -> list[float]:
        """Returns one contender's samples."""
        return [getattr(timing, quantity) for timing in self.timings[name][temperature]]


def race(
    entrants: Mapping[str, Sequence[Thunk]],
    clock: Clock,
    seed: int,
    seconds: float,
    *,
    baseline: str,
    longest: float | None = None,
    transfer: float = math.inf,
    after: int = 1,
    now: Callable[[], float] = time.monotonic,
) -> Samples:
    """Measures the entrants, each a thunk for every set of inputs, for so many seconds.

    A cold sample goes on to sets that nobody has touched since all others were; a warm one repeats the last. Samples of
    a round that was not finished, because it was interrupted, have no partners and are left out; nothing else is.

    Args:
        entrants: thunks by name.
        clock: what times them.
        seed: of the order within rounds.
        seconds: until when to go on, unless the ratios are known before.
        baseline: the entrant that ratios are to.
        longest: seconds that may be spent where too few rounds for an interval are done; as `seconds` if left out.
        transfer: seconds in which inputs come from memory; where that is next to nothing of the fastest entrant's time,
            cold and warm are the same, and only cold is measured.
        after: what comes after the last round, in rounds; so much time is left over for it.
        now: the clock that the budget is kept by.
    """
    began_all = now()
    longest = max(seconds, longest or 0.0)
    turntable = _Turntable(max(map(len, entrants.values())))
    samples = _warmed_up(entrants, clock, turntable, seconds / 4, transfer, now)
    if CONTROL in entrants:
        samples.repeats[CONTROL] = samples.repeats[baseline]
    temperatures = samples.temperatures
    order = np.random.default_rng(seed)
    names = list(entrants)
    slowest = 0.0
    gc.collect()
    collecting = gc.isenabled()
    gc.disable()
    try:
        while True:
            began = now()
            allowed = seconds if samples.rounds >= FEWEST_FOR_INTERVAL else longest
            ending = _ended(samples, clock, baseline, began_all + allowed - began - (1 + after) * slowest)
            if ending is not None:
                break
            taken = {}
            for name in (names[index] for index in order.permutation(len(names))):
                taken[name] = _turn(entrants[name], clock, turntable, samples.repeats[name], temperatures)
            for name, timings in taken.items():
                for temperature, timing in timings.items():
                    samples.timings[name][temperature].append(timing)
                    samples.gaps[name] = samples.gaps.get(name, 0) + timing.gaps
            samples.rounds += 1
            samples.megahertz.append(clock.megahertz())
            slowest = max(slowest, now() - began)
    except KeyboardInterrupt as error:
        ending = "budget" if isinstance(error, OutOfTime) else "interrupted"
    finally:
        if collecting:
            gc.enable()
    samples.ending = ending
    return samples


class _Turntable:
    """Counts through the sets of inputs, for all contenders together."""

    def __init__(self, sets: int) -> None:
        self._sets = sets
        self.last = 0

    def next(self) -> int:
        self.last = (self.last + 1) % self._sets
        return self.last


def _turn(
    thunks: Sequence[Thunk], clock: Clock, turntable: _Turntable, repeats: int, temperatures: Sequence[Temperature]
) -> dict[Temperature, Timing]:
    def cold() -> list[Thunk]:
        return [thunks[turntable.next() % len(thunks)] for _ in range(repeats)]

    def warm() -> list[Thunk]:
        return [thunks[turntable.last % len(thunks)]] * repeats

    draw = {"cold": cold, "warm": warm}
    return {temperature: clock.time(draw[temperature]) for temperature in temperatures}


def _warmed_up(
    entrants: Mapping[str, Sequence[Thunk]],
    clock: Clock,
    turntable: _Turntable,
    seconds: float,
    transfer: float,
    now: Callable[[], float],
) -> Samples:
    """Runs everybody until the clock is steady, and finds how many calls make a sample long enough."""
    began, seen = now(), {name: [_once(thunks, clock, turntable)] for name, thunks in entrants.items()}
    steady = False
    while not steady and now() - began < min(seconds, 3 * WARM_UP_SECONDS):
        for name, thunks in entrants.items():
            seen[name].append(_once(thunks, clock, turntable))
        steady = now() - began >= WARM_UP_SECONDS and all(map(_flat, seen.values()))
    repeats = {}
    for name, thunks in entrants.items():
        wanted = math.ceil(SAMPLE_SECONDS / max(min(seen[name]), 1e-9))
        repeats[name] = max(1, min(wanted, LONGEST_BURST, max(1, len(thunks) // 2)))
    fastest = min(map(min, seen.values()))
    temperatures = TEMPERATURES if transfer > NEXT_TO_NOTHING * fastest else TEMPERATURES[:1]
    timings: dict[str, dict[Temperature, list[Timing]]] = {name: {t: [] for t in temperatures} for name in entrants}
    return Samples(timings, repeats, now() - began, steady)


def _once(thunks: Sequence[Thunk], clock: Clock, turntable: _Turntable) -> float:
    return clock.time(lambda: [thunks[turntable.next() % len(thunks)]]).call


def _flat(seconds: Sequence[float]) -> bool:
    half = len(seconds) // 2
    if half < 2:
        return False
    earlier, later = statistics.median(seconds[:half]), statistics.median(seconds[half:])
    return abs(later - earlier) <= FLAT * earlier


def _ended(samples: Samples, clock: Clock, baseline: str, left: float) -> Ending | None:
    if samples.rounds >= FEWEST_ROUNDS:
        own = samples.seconds(baseline, "cold", clock.judged)
        others = [samples.seconds(name, "cold", clock.judged) for name in samples.timings if name != baseline]
        if all(paired_ratio(own, other).half_width <= PRECISE for other in others):
            return "precise"
    if samples.rounds >= MOST_ROUNDS:
        return "rounds"
    return "budget" if left <= 0 and samples.rounds else None
