"""A whole run of the bench within a budget: cases in turn, each row kept as soon as it is known."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from torch.utils.benchmark import set_torch_threads

from ablate.bench.budget import OutOfTime, alarm
from ablate.bench.case import Case
from ablate.bench.ceilings import Ceilings, measure_ceilings
from ablate.bench.clock import Clock, clock_for
from ablate.bench.environment import gpu_state, surroundings
from ablate.bench.measure import Bench
from ablate.bench.names import FORWARD, Row, StopReason
from ablate.bench.record import SCHEMA, Journal
from ablate.bench.selection import Request
from ablate.bench.steps import Steps
from ablate.networks.exact import full_float32

STEP_SHARE, FORWARD_SHARE = 3.0, 0.4
"""Of the budget: the whole step against an ordinary case, and a loss alone against the same with gradients."""
RESERVE, LONGEST_RESERVE = 0.1, 4.0
"""Part of the budget, and seconds at most, that are left for starting, for finishing a call, and for ending."""

Measurement = Callable[[Bench, float, float], list[Row]]
"""(bench, its share of the budget, all that is left of it) to rows."""
Show = Callable[[str, Sequence[Row], Ceilings], None]
"""Is given each case that is done: title, rows, ceilings."""


class Task(NamedTuple):
    """One case of a session, with its share of the budget against the others'."""

    title: str
    share: float
    measure: Measurement


@dataclass
class Session:
    """A run of the bench, with a budget in seconds that began at some time of the monotonic clock.

    `cache` is where decoded photographs lie, `provenance` the environment as results record it.
    """

    request: Request
    seconds: float
    journal: Journal
    cache: Path
    provenance: Mapping[str, Any]
    seed: int
    began: float = field(default_factory=time.monotonic)
    ended: StopReason = StopReason.complete

    @property
    def left(self) -> float:
        """Seconds that are left of the budget, without the reserve."""
        reserve = min(RESERVE * self.seconds, LONGEST_RESERVE)
        return self.began + self.seconds - reserve - time.monotonic()

    def run(self, show: Show) -> None:
        """Measures everything and shows each case as it is done.

        An interruption ends the run as the end of its budget does: what was measured stays.
        """
        clock = clock_for(self.request.device, self.request.threads)
        left_out = list(self._tasks())
        with set_torch_threads(self.request.threads), full_float32():
            try:
                with alarm(self.left):
                    ceilings = measure_ceilings(clock, self.request.device)
                self.journal.begin(self._head(clock, ceilings))
                while left_out:
                    ceilings = self._measured(left_out, clock, ceilings, show)
                    left_out.pop(0)
            except KeyboardInterrupt as error:
                self.ended = StopReason.budget if isinstance(error, OutOfTime) else StopReason.interrupted
            finally:
                self.journal.end(self.ended, [task.title for task in left_out])

    def _measured(self, tasks: Sequence[Task], clock: Clock, ceilings: Ceilings, show: Show) -> Ceilings:
        """Measures the first task; returns the ceilings as they are now known."""
        left, first, device = self.left, tasks[0], self.request.device
        if left <= 0:
            raise OutOfTime
        with alarm(left):
            ceilings = ceilings.best_of(measure_ceilings(clock, device, rounds=1))
            bench = Bench(clock, ceilings, self.seed, frozenset(self.request.backends))
            before = gpu_state(device)
            rows = first.measure(bench, left * first.share / sum(task.share for task in tasks), self.left)
        states = {"gpu_states": [before, gpu_state(device)]} if before else {}
        for row in rows:
            self.journal.write(row | states)
        show(first.title, rows, ceilings)
        if any(row.get("ended") == StopReason.interrupted for row in rows):
            raise KeyboardInterrupt
        return ceilings

    def _tasks(self) -> Iterator[Task]:
        """Yields everything that was asked for: losses with gradients, the training step, then losses alone."""
        request = self.request
        cases = [kernel.case(setting) for kernel, setting in request.settings()]
        tasks = [_task(case, case.share) for case in cases if case.setting.direction != FORWARD]
        for shape in (request.shapes or (None,)) if request.steps_too else ():
            steps = Steps(request.device, self.cache, shape)
            tasks.append(Task(f"training step {shape or ''}".strip(), STEP_SHARE, steps.measure))
        # Those that take long go last: on a busy machine they leave nothing over.
        yield from sorted(tasks, key=lambda task: task.share)
        yield from (_task(case, FORWARD_SHARE * case.share) for case in cases if case.setting.direction == FORWARD)

    def _head(self, clock: Clock, ceilings: Ceilings) -> dict[str, Any]:
        return {
            "schema": SCHEMA,
            "device": self.request.device,
            "threads": self.request.threads,
            "device_time": clock.meaning,
            "judged": clock.primary,
            "budget": self.seconds,
            "seed": self.seed,
            "environment": {**self.provenance, **surroundings(self.request.device)},
            "ceilings": asdict(ceilings),
        }


def _task(case: Case, share: float) -> Task:
    return Task(str(case), share, lambda bench, seconds, longest: bench.measure(case, seconds, longest))
