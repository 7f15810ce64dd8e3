"""Executors: the protocol behind which jobs run somewhere, and the catalogue of those that there are."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from ablate.execute.capacity import Capacity
from ablate.execute.estimate import Estimate
from ablate.execute.jobs import Job
from ablate.execute.work import Work
from ablate.plugins.checked import complete
from ablate.records import Execution
from ablate.registry import Registry
from ablate.store import Store


@dataclass(frozen=True)
class ProcessExit:
    """The end of the process of a job, as its executor saw it."""

    pid: int
    exitcode: int
    """As `subprocess` has it: minus the number of the signal that killed it."""
    seconds: float
    wanted: bool = False
    """The executor told it to stop, or killed it, because the run ends."""
    timed_out: bool = False
    """The executor killed it, because its time was over and it did not listen."""
    host: str = field(default_factory=socket.gethostname)
    """Name of the machine that it ran on."""
    lost: str = ""
    """Why process or machine went, where the job is not to blame: it is tried again."""


class Executor(Protocol):
    """Runs jobs, several at a time; asked by one thread alone."""

    @property
    def capacity(self) -> Capacity:
        """How many jobs run at once, where, and with how many threads each."""

    @property
    def busy(self) -> bool:
        """Whether a job runs here."""

    @property
    def free(self) -> bool:
        """Whether another job may start."""

    def start(self, job: Job) -> None:
        """Starts a job, which `worker.do_job` does; only while `free`."""

    def ended(self, seconds: float) -> list[tuple[Job, ProcessExit]]:
        """Returns the jobs that ended since the last call, after waiting for one that long."""

    def stop(self) -> None:
        """Asks every job to save its state and end; asks each once."""

    def kill(self) -> None:
        """Ends every job at once; what was saved before stays."""


@dataclass(frozen=True)
class RunContext:
    """All that an executor gets from its run."""

    work: Work
    store: Store
    execution: Execution
    """The grid's [execution], with what the command line says in its place."""
    timeout_seconds: float | None = None
    """How long a job may take."""
    grace_seconds: float = 60.0
    """How long after its timeout a job that does not listen is killed."""
    say: Callable[[str], None] = lambda _text: None
    """Takes a sentence for the user."""
    estimate: Estimate = field(default_factory=Estimate)
    """How long jobs take, as far as that is known; it learns while they run."""


ExecutorFactory = Callable[[RunContext], Executor]

executors = Registry(
    "executor",
    "ablate.execute.local",
    "ablate.execute.ray_cluster",
    "ablate.execute.slurm",
    check=complete("an executor", "capacity", "busy", "free", "start", "ended", "stop", "kill"),
)
"""Functions from a `RunContext` to an `Executor`, by the name that [execution] and --executor give."""
