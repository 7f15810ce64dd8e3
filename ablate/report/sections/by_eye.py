"""Judgements of pairs by eye: a score for each arm, and how often it is preferred to the baseline."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from ablate.analysis.preference import ENOUGH_IMAGES, Judged, Preference, judgements_needed, preferences
from ablate.report.document import Block, Figure, Table, Text, Value, strong, text
from ablate.report.evidence import Evidence
from ablate.report.figures import Style, draw, name_rows
from ablate.report.numbers import NONE, fixed, plural
from ablate.report.sections.section import Content, section
from ablate.report.svg import MUTED, SERIES
from ablate.report.tables import count, numbers, table, words

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SHARES = (0.75, 0.6)
"""Preferences that the section says how many judgements they take."""


@section("by_eye", "Compared by eye", "By eye")
def by_eye(evidence: Evidence) -> Content:
    """Returns what people preferred; nothing where nobody was asked."""
    judged, foreign = find_judged(evidence)
    if not judged or evidence.reference is None:
        told = [text(_foreign(foreign), kind="warning")] if foreign else []
        return told, {"judgements": 0, "foreign": foreign}
    reference = evidence.reference.name
    found = preferences(judged, reference, 1 - evidence.alpha)
    blocks: list[Block] = [_lead(found, reference)]
    scored = [each for each in found if each.low is not None]
    blocks += [_figure(scored, reference)] if scored else []
    blocks += [_table(found, reference, evidence.alpha), text(_how(evidence, judged), kind="note")]
    blocks += [text(_foreign(foreign), kind="warning")] if foreign else []
    numbers_of = {
        "judgements": len(judged), "foreign": foreign, "reference": reference, "observers": len(evidence.sessions),
        "images": len({each.image for each in judged}),
        "preferences": [asdict(each) for each in found],
    }  # fmt: skip
    return blocks, numbers_of


def find_judged(evidence: Evidence) -> tuple[list[Judged], int]:
    """Returns the judgements of two arms of these grids, and how many are of cells that are not in them."""
    arms = {cell.id: cell.arm for cell in evidence.study.cells}
    share = {"left": 1.0, "same": 0.5, "right": 0.0}
    judged, foreign = [], 0
    for session in evidence.sessions:
        for each in session.judgements:
            left, right = arms.get(each.left), arms.get(each.right)
            if left is None or right is None or left == right:
                foreign += 1
            else:
                judged.append(Judged(left, right, share[each.answer], each.image))
    return judged, foreign


def _foreign(count: int) -> str:
    return f"{plural(count, 'judgement')} left out: not of two arms of this grid."


def _lead(found: Sequence[Preference], reference: str) -> Text:
    """Says who is surely preferred to the reference, and who less."""
    parts = {
        "preferred to": [each for each in found if each.low is not None and each.low > 0],
        "less liked than": [each for each in found if each.high is not None and each.high < 0],
    }
    said = [
        f"{each.arm} is {how} {reference}, in {_percent(each.score)} {_limits(each)} of choices"
        for how, arms in parts.items()
        for each in arms[:3]
    ]
    if not said:
        return text(strong(f"No arm is told from {reference} by eye"), f" by {plural(_total(found), 'judgement')}.")
    return text(strong("By eye, "), "; ".join(said), ".")


def _total(found: Sequence[Preference]) -> int:
    return sum(each.judged for each in found) // 2


def chance(score: float | None) -> float | None:
    """Returns how often an arm of that score is preferred to the reference, a tie counting half."""
    return None if score is None else 1 / (1 + math.exp(-score))


def _percent(score: float | None) -> str:
    share = chance(score)
    return NONE if share is None else f"{100 * share:.0f} %"


def _limits(each: Preference) -> str:
    return f"[{_percent(each.low)}, {_percent(each.high)}]" if each.low is not None else ""


def _table(found: Sequence[Preference], reference: str, alpha: float) -> Table:
    def note(each: Preference) -> str:
        if each.arm == reference:
            return "reference"
        if each.score is None:
            return "no chain of judgements joins it to the reference"
        return f"{'won' if each.won else 'lost'} every time: how far, nobody knows" if each.one_sided else ""

    def score(each: Preference) -> Value:
        limits = ""
        if each.low is not None:
            limits = f"[{fixed(each.low, 2, signed=True)}, {fixed(each.high, 2, signed=True)}]"
        return Value(
            fixed(each.score, 2, signed=True), limits, each.score, "plain" if each.score is not None else "muted"
        )

    return table(
        "by-eye", "Preferences", found,
        words("arm", lambda each: Value(each.arm, note(each), each.arm)),
        numbers("won", lambda each: count(each.won)),
        numbers("no difference", lambda each: count(each.tied)),
        numbers("lost", lambda each: count(each.lost)),
        numbers("score", score, hint="log-odds of being preferred to the reference (Bradley and Terry)"),
        numbers("preferred to reference", lambda each: Value(_percent(each.score), _limits(each), chance(each.score))),
        caption=f"Brackets: intervals at {100 * (1 - alpha):g} %, of each arm by itself, not corrected for how many "
        "there are. A tie counts half for either side.",
    )  # fmt: skip


def _how(evidence: Evidence, judged: Sequence[Judged]) -> str:
    images = len({each.image for each in judged})
    over = (
        f"Intervals are over the {images} images"
        if images >= ENOUGH_IMAGES
        else f"Intervals take judgements as independent and hold for these {plural(images, 'image')} alone: it takes "
        f"{ENOUGH_IMAGES} to speak of others"
    )
    most = ", ".join(f"{judgements_needed(share)} for one of {100 * share:g} %" for share in SHARES)
    return (
        f"{plural(len(judged), 'judgement')} by {plural(len(evidence.sessions), 'observer')}, pairs at matched "
        f"bits in random order, arms unnamed; exploratory. {over}. To show a preference between two arms takes about "
        f"{most} (power 80 %)."
    )


def _figure(scored: Sequence[Preference], reference: str) -> Figure:
    with draw("by-eye", 1.2 + 0.3 * len(scored)) as drawn:
        (panel,) = drawn.panels(1)
        for place, each in enumerate(scored):
            _row(panel, place, each)
        panel.axvline(50, color=MUTED, linewidth=1)
        panel.set_xlim(0, 100)
        panel.set_xlabel(f"preferred to {reference} (% of choices)")
        name_rows(panel, [each.arm for each in scored])
        return drawn.figure(
            f"How often each arm is preferred to {reference} by eye",
            "Right of the middle: people prefer it to the reference. Lines are intervals.",
        )


def _row(panel: Axes, place: int, each: Preference) -> None:
    low, middle, high = (100 * (chance(value) or 0.0) for value in (each.low, each.score, each.high))
    panel.hlines(place, low, high, color=SERIES[0][0], linewidth=1.6)
    panel.plot(middle, place, zorder=4, **Style(SERIES[0][0]).drawn(7.5))
