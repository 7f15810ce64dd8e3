"""The gate: compares what a grid came to with a committed baseline."""

from ablate.check.baseline import Baseline as Baseline
from ablate.check.baseline import IncomparableError as IncomparableError
from ablate.check.baseline import read_baseline as read_baseline
from ablate.check.baseline import write_baseline as write_baseline
from ablate.check.finding import Finding as Finding
from ablate.check.finding import GateOutcome as GateOutcome
from ablate.check.finding import Reason as Reason
from ablate.check.gate import GateResult as GateResult
from ablate.check.gate import check as check
from ablate.check.probe import measure as measure
from ablate.check.record import GridRecord as GridRecord
from ablate.check.record import record as record
