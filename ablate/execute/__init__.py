"""Runs the cells of a grid: what is to do, in which order, and where."""

from ablate.execute.capacity import Capacity, capacity_of, chosen
from ablate.execute.estimate import Estimate
from ablate.execute.executor import Executor, ProcessExit, RunContext, executors
from ablate.execute.jobs import Job
from ablate.execute.listener import RunListener
from ablate.execute.planning import Plan, load_plan, plan, stored_plan
from ablate.execute.result import JobResult
from ablate.execute.runner import HELD, INCOMPLETE, INTERRUPTED, OK, Limits, get_ready, run
from ablate.execute.snapshot import Running, Snapshot
from ablate.execute.work import Work

__all__ = [
    "HELD",
    "INCOMPLETE",
    "INTERRUPTED",
    "OK",
    "Capacity",
    "Estimate",
    "Executor",
    "Job",
    "JobResult",
    "Limits",
    "Plan",
    "ProcessExit",
    "RunContext",
    "RunListener",
    "Running",
    "Snapshot",
    "Work",
    "capacity_of",
    "chosen",
    "executors",
    "get_ready",
    "load_plan",
    "plan",
    "run",
    "stored_plan",
]
