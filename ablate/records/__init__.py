"""Plans, settings, attempts, results and rows of a store as typed records: the one place that spells their keys."""

from ablate.records.attempt import AttemptEnd as AttemptEnd
from ablate.records.attempt import AttemptStart as AttemptStart
from ablate.records.attempt import Environment as Environment
from ablate.records.cell import CellRecord as CellRecord
from ablate.records.declared import Budget as Budget
from ablate.records.declared import Compare as Compare
from ablate.records.declared import Execution as Execution
from ablate.records.plan import ExcludedCells as ExcludedCells
from ablate.records.plan import PlannedCell as PlannedCell
from ablate.records.plan import PlannedWarmup as PlannedWarmup
from ablate.records.plan import PlanRecord as PlanRecord
from ablate.records.record import Record as Record
from ablate.records.record import RecordError as RecordError
from ablate.records.record import read as read
from ablate.records.record import write as write
from ablate.records.result import MeasuredImages as MeasuredImages
from ablate.records.result import Result as Result
from ablate.records.result import Uncertainty as Uncertainty
from ablate.records.settings import CellSettings as CellSettings
from ablate.records.settings import WarmupSettings as WarmupSettings
from ablate.records.status import CELL_STATUSES as CELL_STATUSES
from ablate.records.status import Status as Status
from ablate.records.telemetry import Event as Event
from ablate.records.telemetry import MetricRow as MetricRow
from ablate.records.weights import WEIGHTS as WEIGHTS
from ablate.records.weights import Weights as Weights
