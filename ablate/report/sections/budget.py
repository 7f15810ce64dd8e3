"""What a level reaches for the same steps and for the same seconds of training."""

from __future__ import annotations

from dataclasses import asdict

from ablate.analysis import BESIDE, Budget, Effect, Interval, budgets, t_interval
from ablate.report.document import Column, Section, Table, Value, text
from ablate.report.evidence import Evidence
from ablate.report.numbers import NONE, fixed, percent_interval


def equal_budgets(evidence: Evidence) -> Section:
    """Returns the time each level takes and the training distortion it reaches within equal budgets."""
    title, short = "Equal budgets", "Budgets"
    found = budgets(evidence.study, evidence.curves) if evidence.finished else ()
    if not any(effect.interval for budget in found for effect in budget.effects):
        said = text(
            "No two arms have a finished cell of one seed in common, so what they reach within one budget cannot be "
            "compared."
        )
        return Section("budgets", title, (said,), {"budgets": []}, short)
    said = text(
        "Arms of a grid train for equal steps, but a step of one may take longer. Training distortion is averaged over "
        "the last quarter of a budget: the steps, and the seconds, of the cell of each seed that took fewest. Negative "
        "is less distortion than the baseline. A level that is ahead at equal steps and not at equal seconds buys its "
        "lead with time. Seconds of cells that ran beside others are not exact."
    )
    numbers = {"budgets": [asdict(budget) for budget in found], "time": {
        f"{axis} {level}": asdict(share) for (axis, level), share in evidence.time_shares.items()
    }}  # fmt: skip
    return Section("budgets", title, (said, _table(evidence, found)), numbers, short)


def _table(evidence: Evidence, found: tuple[Budget, ...]) -> Table:
    rows = []
    for effects in zip(*(budget.effects for budget in found), strict=True):
        effect = effects[0]
        name = effect.level if effect.axis == BESIDE else f"{effect.axis} {effect.level} vs {effect.baseline}"
        shares = [evidence.time_shares.get(effect.key), *(_share(each) for each in effects)]
        rows.append((Value(name, sort=name), *(_value(share) for share in shares)))
    columns = (
        Column("comparison", numeric=False), Column("training time", "%"),
        *(Column(f"distortion at equal {budget.unit}", "%") for budget in found),
    )  # fmt: skip
    caption = "Differences to the baseline in percent of its value, paired by seed, with 95 % t-intervals. Exploratory."
    return Table("budgets", "Equal steps and equal seconds", columns, tuple(rows), caption, filterable=len(rows) > 20)


def _share(effect: Effect) -> Interval | None:
    if not effect.reference or not effect.differences:
        return None
    return t_interval([value / effect.reference for value in effect.differences])


def _value(share: Interval | None) -> Value:
    if share is None:
        return Value(NONE, tone="muted")
    return Value(fixed(100 * share.mean, 1, signed=True), percent_interval(share, 1), 100 * share.mean)
