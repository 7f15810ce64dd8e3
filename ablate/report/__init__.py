"""Reports of a grid: what was learned, with what certainty, and all that it rests on."""

from ablate.report.report import Report as Report
from ablate.report.report import write_report as write_report
