"""Runs the cells of a grid: what is to do, in which order, in which processes."""

from ablate.execute.capacity import Capacity, chosen
from ablate.execute.ending import Ending
from ablate.execute.estimate import Estimate
from ablate.execute.jobs import Job
from ablate.execute.planning import Plan, load_plan, plan, stored_plan
from ablate.execute.runner import HELD, INCOMPLETE, INTERRUPTED, OK, Limits, Listener, get_ready, run
from ablate.execute.snapshot import Running, Snapshot
from ablate.execute.work import Work

__all__ = [
    "HELD",
    "INCOMPLETE",
    "INTERRUPTED",
    "OK",
    "Capacity",
    "Ending",
    "Estimate",
    "Job",
    "Limits",
    "Listener",
    "Plan",
    "Running",
    "Snapshot",
    "Work",
    "chosen",
    "get_ready",
    "load_plan",
    "plan",
    "run",
    "stored_plan",
]
