"""Runs the cells of a grid: what is to do, in which order, and where."""

from ablate.execute.capacity import Capacity as Capacity
from ablate.execute.capacity import capacity_of as capacity_of
from ablate.execute.capacity import chosen as chosen
from ablate.execute.estimate import Estimate as Estimate
from ablate.execute.executor import Executor as Executor
from ablate.execute.executor import ProcessExit as ProcessExit
from ablate.execute.executor import RunContext as RunContext
from ablate.execute.executor import executors as executors
from ablate.execute.jobs import Job as Job
from ablate.execute.listener import RunListener as RunListener
from ablate.execute.plan import Plan as Plan
from ablate.execute.plan import stored_plan as stored_plan
from ablate.execute.planning import load_plan as load_plan
from ablate.execute.result import JobResult as JobResult
from ablate.execute.runner import INCOMPLETE as INCOMPLETE
from ablate.execute.runner import OK as OK
from ablate.execute.runner import Limits as Limits
from ablate.execute.runner import get_ready as get_ready
from ablate.execute.runner import run as run
