"""The parts of a report in their order, one file each: evidence in, a section of blocks out.

What a reader with ten seconds needs comes first, then what one with a minute looks at; the rest is folded. One without
blocks is not shown.
"""

from __future__ import annotations

from collections.abc import Callable

from ablate.report.document import Section
from ablate.report.evidence import Evidence
from ablate.report.sections.anchors import anchors
from ablate.report.sections.axis_effects import axis_effects
from ablate.report.sections.budget import equal_budgets
from ablate.report.sections.by_eye import by_eye
from ablate.report.sections.completeness import completeness
from ablate.report.sections.cost import cost
from ablate.report.sections.forest import forest
from ablate.report.sections.images import images
from ablate.report.sections.interactions import interaction_effects
from ablate.report.sections.protocol import protocol
from ablate.report.sections.references import references
from ablate.report.sections.results import results
from ablate.report.sections.sensitivity import sensitivity_analysis
from ablate.report.sections.throughput import throughput
from ablate.report.sections.tradeoff import tradeoff
from ablate.report.sections.training import training
from ablate.report.sections.tuning import tuning
from ablate.report.sections.variance import variance
from ablate.report.sections.verdict import verdict
from ablate.report.sections.verdicts import verdicts

SECTIONS: tuple[Callable[[Evidence], Section], ...] = (
    verdict,
    forest,
    images,
    by_eye,
    results,
    verdicts,
    tuning,
    tradeoff,
    anchors,
    references,
    axis_effects,
    interaction_effects,
    training,
    cost,
    equal_budgets,
    variance,
    sensitivity_analysis,
    throughput,
    completeness,
    protocol,
)
