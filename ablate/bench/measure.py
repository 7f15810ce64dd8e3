"""One case from its inputs to a row for each contender: gate, warm-up, rounds, a last look, ratios and verdicts."""

from __future__ import annotations

import functools
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ablate.bench.case import Case, Contender, Pair
from ablate.bench.ceilings import Ceilings
from ablate.bench.clock import Clock
from ablate.bench.gate import Gate, attempt
from ablate.bench.names import BASELINE, CONTROL, Row
from ablate.bench.rounds import race
from ablate.bench.standing import Standing, beside_peers, no_round
from ablate.bench.work import traffic
from ablate.kernels import Function, Gradients

COLD_FACTOR = 4
ADMISSION_SECONDS = 2.0
"""After so long, and half of a case's share, nobody else is let in: the others have to be timed."""
FEWEST_SETS, MOST_SETS = 2, 512


@dataclass
class Admitted:
    """A contender that has passed the gate."""

    contender: Contender
    function: Function
    pairs: Sequence[Pair]
    seconds: float


@dataclass(frozen=True)
class Bench:
    """How cases are measured.

    Attributes:
        clock: of the device.
        ceilings: of the machine, as far as they are known by now.
        seed: of inputs and of the order within rounds.
        wanted: names of contenders; empty for all.
        now: the clock that budgets are kept by.
    """

    clock: Clock
    ceilings: Ceilings
    seed: int
    wanted: frozenset[str] = frozenset()
    now: Callable[[], float] = time.monotonic

    def measure(self, case: Case, seconds: float, longest: float | None = None) -> list[Row]:
        """Returns a row for each contender; the time of the gate counts, too.

        Args:
            case: what to measure.
            seconds: its share of the budget.
            longest: what is left of the whole budget, which may be taken for an interval.
        """
        began = self.now()
        until = self.now() + seconds
        gate = Gate(case, self.seed)
        admitted, rows = self._admitted(case, gate, until)
        if BASELINE not in admitted:
            return rows
        eager = admitted[BASELINE]
        admitted[CONTROL] = Admitted(eager.contender, eager.function, eager.pairs, eager.seconds)
        samples = race(
            {name: _thunks(one) for name, one in admitted.items()},
            self.clock,
            self.seed,
            max(0.0, until - self.now()),
            baseline=BASELINE,
            longest=None if longest is None else began + longest - self.now(),
            transfer=case.work.bytes / self.ceilings.bandwidth,
            now=self.now,
        )
        if not samples.rounds:
            return [*rows, *(_about(case, one.contender) | no_round(samples) for one in admitted.values())]
        counted = traffic(lambda: eager.function(*eager.pairs[0]))
        standing = Standing(samples, self.clock.judged, self.ceilings, case.work, counted)
        for name, one in admitted.items():
            if (problem := attempt(functools.partial(_changed, one, gate))) is not None:
                rows.append(_unmeasured(case, one.contender, "failed", problem))
            else:
                about = _about(case, one.contender) | {"build_seconds": one.seconds, "sets_of_inputs": len(one.pairs)}
                rows.append(about | standing.row(name) | {"peak_bytes": _peak_bytes(case.setting.device, one)})
        beside_peers(rows)
        if any(one.contender.specialised for one in admitted.values()):
            # Code that was compiled for this case would count against the next one's limit of recompilations.
            torch.compiler.reset()
        return rows

    def _takes_part(self, contender: Contender) -> bool:
        if contender.name == BASELINE:
            return True
        return contender.name in self.wanted or not (self.wanted or contender.elsewhere)

    def _admitted(self, case: Case, gate: Gate, until: float) -> tuple[dict[str, Admitted], list[Row]]:
        """Builds and gates the contenders that are wanted; returns who may run, and a row for each who may not."""
        admitted: dict[str, Admitted] = {}
        rows: list[Row] = []
        refused: dict[str, str] = {}
        drawn = _Drawn(gate.timed, self.ceilings.cache)
        closes = math.inf
        for contender in filter(self._takes_part, case.contenders):
            if contender.form_of in refused:
                rows.append(_unmeasured(case, contender, "failed", refused[contender.form_of]))
            elif contender.missing is not None:
                rows.append(_unmeasured(case, contender, "missing", contender.missing))
            elif self.now() > closes:
                rows.append(_unmeasured(case, contender, "skipped", "half of its share of the budget was gone by then"))
            elif contender.build_seconds and contender.build_seconds > (left := until - self.now()):
                said = f"compiling takes about {contender.build_seconds:.0f} s, its share has {max(left, 0):.0f} s"
                rows.append(_unmeasured(case, contender, "skipped", said))
            else:
                began = self.now()
                function, problem = _tried(contender, gate)
                if problem is not None:
                    refused[contender.name] = problem
                    rows.append(_unmeasured(case, contender, "failed", problem))
                else:
                    pairs = drawn.prepared(contender)
                    if contender.specialised:
                        # Graphs are captured, and code may be compiled, at the first sight of inputs.
                        for pair in pairs:
                            function(*pair)
                    admitted[contender.name] = Admitted(contender, function, pairs, self.now() - began)
            if contender.name == BASELINE:
                closes = self.now() + max((until - self.now()) / 2, ADMISSION_SECONDS)
        return admitted, rows


class _Drawn:
    """The sets of inputs, enough that together they are four times the cache; each preparation has its own.

    All hold the numbers of the first, moved on by a few places: drawing as many anew would take longer than timing.
    """

    def __init__(self, first: Pair, cache: int) -> None:
        count = math.ceil(COLD_FACTOR * cache / max(1, first.bytes))
        count = min(max(count, FEWEST_SETS), MOST_SETS)
        self._pairs = [first, *(_moved_on(first, by) for by in range(1, count))]
        self._prepared: dict[Any, Sequence[Pair]] = {}

    def prepared(self, contender: Contender) -> Sequence[Pair]:
        if contender.prepare not in self._prepared:
            self._prepared[contender.prepare] = [contender.prepare(pair) for pair in self._pairs]
        return self._prepared[contender.prepare]


def _moved_on(pair: Pair, by: int) -> Pair:
    return pair.map(lambda tensor: torch.roll(tensor, by))


def _tried(contender: Contender, gate: Gate) -> tuple[Function, str | None]:
    """Builds a contender and tries it; returns its function and what is wrong with it."""
    built: list[Function] = []

    def refusal() -> str | None:
        built.append(contender.build())
        return gate.refusal(contender, built[0])

    problem = attempt(refusal)
    return built[0] if built else _nothing, problem


def _nothing(_images: Sequence[Tensor], _reconstructions: Sequence[Tensor]) -> Gradients:
    raise AssertionError("it was refused")


def _thunks(one: Admitted) -> list[Callable[[], object]]:
    """Returns a call for each set; its gradients live until the set's next turn, as they would until a step."""
    kept: list[object] = [None] * len(one.pairs)

    def thunk(index: int, pair: Pair) -> Callable[[], object]:
        def call() -> None:
            kept[index] = None
            kept[index] = one.function(*pair)

        return call

    return [thunk(index, pair) for index, pair in enumerate(one.pairs)]


def _changed(one: Admitted, gate: Gate) -> str | None:
    """Says what is wrong with a contender's result after all rounds."""
    return gate.still(one.contender, one.function(*one.pairs[0]))


def _peak_bytes(device: str, one: Admitted) -> int | None:
    """Returns what one call takes of the GPU's memory at most beside its inputs; unknown on a CPU, and of graphs."""
    if device == "cpu" or one.contender.replayed:
        return None
    torch.cuda.synchronize()
    before = torch.cuda.memory_allocated()
    torch.cuda.reset_peak_memory_stats()
    one.function(*one.pairs[0])
    torch.cuda.synchronize()
    return torch.cuda.max_memory_allocated() - before


def _about(case: Case, contender: Contender) -> Row:
    direction, shape, dtype, device = case.setting
    return {
        "kernel": case.kernel,
        "direction": direction,
        "shape": str(shape),
        "dtype": str(dtype).removeprefix("torch."),
        "device": device,
        "backend": contender.name,
        "peer": contender.peer,
    }


def _unmeasured(case: Case, contender: Contender, status: str, reason: str) -> Row:
    return _about(case, contender) | {"status": status, "reason": reason}
