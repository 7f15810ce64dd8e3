"""Training distortion of each level after equal steps and after equal seconds."""

from __future__ import annotations

from dataclasses import asdict

from ablate.analysis import Budget, Effect, Interval, budgets, t_interval
from ablate.report.claims import comparison
from ablate.report.document import Table, text
from ablate.report.evidence import Evidence
from ablate.report.sections.section import Content, section
from ablate.report.tables import Field, difference, numbers, table, words


@section(
    "budgets", "Equal budgets", "Budgets", summary="Arms compared after equal training time instead of equal steps"
)
def equal_budgets(evidence: Evidence) -> Content:
    """Returns the time each level takes and the training distortion it reaches within equal budgets."""
    found = budgets(evidence.study, evidence.curves) if evidence.finished else ()
    if not any(effect.interval for budget in found for effect in budget.effects):
        said = text(
            "No two arms have a finished cell of one seed in common, so what they reach within one budget cannot be "
            "compared."
        )
        return [said], {"budgets": []}
    said = text(
        "Training distortion over the last quarter of a budget: the steps, and the seconds, of the cell of each seed "
        "that took fewest. A level that is ahead at equal steps and not at equal seconds buys its lead with time."
    )
    data = {"budgets": [asdict(budget) for budget in found], "time": {
        f"{axis} {level}": asdict(share) for (axis, level), share in evidence.time_shares.items()
    }}  # fmt: skip
    return (said, _table(evidence, found)), data


def _table(evidence: Evidence, found: tuple[Budget, ...]) -> Table:
    def share(effect: Effect) -> Interval | None:
        if not effect.reference or not effect.differences:
            return None
        return t_interval([value / effect.reference for value in effect.differences])

    def distortion(place: int, unit: str) -> Field[tuple[Effect, ...]]:
        return numbers(f"distortion at equal {unit}", lambda row: difference(share(row[place]), 1, 100), "%")

    return table(
        "budgets", "Equal steps and equal seconds", zip(*(budget.effects for budget in found), strict=True),
        words("comparison", lambda row: comparison(row[0])),
        numbers("training time", lambda row: difference(evidence.time_shares.get(row[0].key), 1, 100), "%"),
        *(distortion(place, budget.unit) for place, budget in enumerate(found)),
        caption="Differences to the baseline in percent of its value, paired by seed, with 95 % t-intervals. "
        "Exploratory.",
    )  # fmt: skip
