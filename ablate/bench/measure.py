"""One case from its inputs to a row for each candidate: gate, warm-up, rounds, a last look, ratios and verdicts."""

from __future__ import annotations

import dataclasses
import functools
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from ablate.bench.case import Candidate, Case, Pair, Work
from ablate.bench.case_summary import CaseSummary, beside_peers
from ablate.bench.ceilings import Ceilings
from ablate.bench.clock import Clock, Thunk
from ablate.bench.gate import Gate, attempt
from ablate.bench.names import BASELINE, CONTROL, Row
from ablate.bench.rounds import Deadlines, run_rounds
from ablate.bench.traffic import Traffic, traffic
from ablate.kernels import Function

COLD_FACTOR = 4
ADMISSION_SECONDS = 2.0
"""After so long, and half of a case's share, no further candidate is admitted: the others have to be timed."""
FEWEST_SETS, MOST_SETS = 2, 512


@dataclass
class Admitted:
    """A candidate that has passed the gate, with the sets of inputs that it is timed on."""

    candidate: Candidate
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
        wanted: names of candidates; empty for all.
        now: the clock that budgets are kept by.
    """

    clock: Clock
    ceilings: Ceilings
    seed: int
    wanted: frozenset[str] = frozenset()
    now: Callable[[], float] = time.monotonic

    def deadlines(self, seconds: float, longest: float | None) -> Deadlines:
        """Returns when a share of the budget ends that begins now, and when all of the budget does."""
        now = self.now()
        return Deadlines(now + seconds, now + max(seconds, longest or 0.0))

    def timed(
        self, thunks: Mapping[str, Sequence[Thunk]], work: Work, counted: Traffic, deadlines: Deadlines, after: int = 1
    ) -> dict[str, Row]:
        """Runs the rounds of a case; returns what they say of each candidate."""
        transfer = work.bytes / self.ceilings.bandwidth
        samples = run_rounds(thunks, self.clock, self.seed, deadlines, transfer=transfer, after=after, now=self.now)
        summary = CaseSummary(samples, self.clock.primary, self.ceilings, work, counted)
        return {name: summary.row(name) for name in thunks}

    def measure(self, case: Case, seconds: float, longest: float | None = None) -> list[Row]:
        """Returns a row for each candidate; the time of the gate counts, too.

        Args:
            case: what to measure.
            seconds: its share of the budget.
            longest: what is left of the whole budget, which may be taken for an interval.
        """
        # The candidates that may be timed: the baseline, its control, and all that agree with float64.
        deadlines = self.deadlines(seconds, longest)
        gate = Gate(case, self.seed)
        admitted, rows = self._admitted(case, gate, deadlines.share)
        if BASELINE not in admitted:
            return rows
        eager = admitted[BASELINE]
        admitted[CONTROL] = dataclasses.replace(eager)

        # Times, then a last look at each result.
        counted = traffic(lambda: eager.function(*eager.pairs[0]))
        thunks = {name: _thunks(one) for name, one in admitted.items()}
        for name, row in self.timed(thunks, case.work, counted, deadlines).items():
            one = admitted[name]
            about = _about(case, one.candidate)
            if row["status"] == "skipped":
                rows.append(about | row)
            elif (problem := attempt(functools.partial(_changed, one, gate))) is not None:
                rows.append(about | {"status": "failed", "reason": problem})
            else:
                about |= {"build_seconds": one.seconds, "sets_of_inputs": len(one.pairs)}
                rows.append(about | row | {"peak_bytes": _peak_bytes(case.setting.device, one)})
        beside_peers(rows)
        if any(one.candidate.specialised for one in admitted.values()):
            # Code that was compiled for this case would count against the next one's limit of recompilations.
            torch.compiler.reset()
        return rows

    def _admitted(self, case: Case, gate: Gate, until: float) -> tuple[dict[str, Admitted], list[Row]]:
        """Builds and gates the candidates that are wanted; returns those that may run, and a row for each other."""
        admitted: dict[str, Admitted] = {}
        rows: list[Row] = []
        refused: dict[str | None, str] = {}
        inputs = _Inputs(gate.timed, self.ceilings.cache)
        closes = math.inf
        for candidate in filter(self._takes_part, case.candidates):
            began = self.now()
            status = reason = None
            if candidate.form_of in refused:
                status, reason = "failed", refused[candidate.form_of]
            elif candidate.missing is not None:
                status, reason = "missing", candidate.missing
            elif (problem := _too_late(candidate, until - began, closes - began)) is not None:
                status, reason = "skipped", problem
            elif (problem := attempt(functools.partial(self._admit, candidate, gate, inputs, admitted))) is not None:
                status, reason = "failed", problem
                refused[candidate.name] = problem
            if status is not None:
                rows.append(_about(case, candidate) | {"status": status, "reason": reason})
            if candidate.name == BASELINE:
                closes = self.now() + max((until - self.now()) / 2, ADMISSION_SECONDS)
        return admitted, rows

    def _takes_part(self, candidate: Candidate) -> bool:
        if candidate.name == BASELINE:
            return True
        return candidate.name in self.wanted or not (self.wanted or candidate.elsewhere)

    def _admit(self, candidate: Candidate, gate: Gate, inputs: _Inputs, admitted: dict[str, Admitted]) -> str | None:
        """Builds a candidate and admits it, or says what is wrong with it."""
        began = self.now()
        function = candidate.build()
        if (problem := gate.refusal(candidate, function)) is not None:
            return problem
        pairs = inputs.prepared(candidate)
        if candidate.specialised:
            # Graphs are captured, and code may be compiled, at the first sight of inputs.
            for pair in pairs:
                function(*pair)
        admitted[candidate.name] = Admitted(candidate, function, pairs, self.now() - began)
        return None


class _Inputs:
    """The sets of inputs, enough that together they are four times the cache; each preparation has its own.

    All hold the numbers of the first, moved on by a few places: drawing as many anew would take longer than timing.
    """

    def __init__(self, first: Pair, cache: int) -> None:
        count = min(max(math.ceil(COLD_FACTOR * cache / max(1, first.bytes)), FEWEST_SETS), MOST_SETS)
        moved = (functools.partial(torch.roll, shifts=by) for by in range(1, count))
        self._pairs = [first, *map(first.map, moved)]
        self._prepared: dict[Any, Sequence[Pair]] = {}

    def prepared(self, candidate: Candidate) -> Sequence[Pair]:
        if candidate.prepare not in self._prepared:
            self._prepared[candidate.prepare] = [candidate.prepare(pair) for pair in self._pairs]
        return self._prepared[candidate.prepare]


def _too_late(candidate: Candidate, left: float, until_closing: float) -> str | None:
    """Says why there is no time for a candidate, or None where there is."""
    if until_closing < 0:
        return "half of its share of the budget was gone by then"
    if candidate.build_seconds and candidate.build_seconds > left:
        return f"compiling takes about {candidate.build_seconds:.0f} s, its share has {max(left, 0):.0f} s"
    return None


def _thunks(one: Admitted) -> list[Thunk]:
    """Returns a call for each set; its gradients live until the set's next turn, as they would until a step."""
    kept: list[object] = [None] * len(one.pairs)

    def call(index: int, pair: Pair) -> None:
        kept[index] = None
        kept[index] = one.function(*pair)

    return [functools.partial(call, index, pair) for index, pair in enumerate(one.pairs)]


def _changed(one: Admitted, gate: Gate) -> str | None:
    """Says what is wrong with a candidate's result after all rounds."""
    return gate.changed(one.candidate, one.function(*one.pairs[0]))


def _peak_bytes(device: str, one: Admitted) -> int | None:
    """Returns the most memory of the GPU that one call takes beside its inputs; unknown on a CPU, and of graphs."""
    if device == "cpu" or one.candidate.replayed:
        return None
    torch.cuda.synchronize()
    before = torch.cuda.memory_allocated()
    torch.cuda.reset_peak_memory_stats()
    one.function(*one.pairs[0])
    torch.cuda.synchronize()
    return torch.cuda.max_memory_allocated() - before


def _about(case: Case, candidate: Candidate) -> Row:
    direction, shape, dtype, device = case.setting
    return {
        "kernel": case.kernel,
        "direction": direction,
        "shape": str(shape),
        "dtype": str(dtype).removeprefix("torch."),
        "device": device,
        "backend": candidate.name,
        "peer": candidate.peer,
    }
