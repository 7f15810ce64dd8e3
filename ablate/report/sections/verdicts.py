"""Every declared comparison in words, the best arm on each metric, and what this design cannot say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from ablate.analysis import BESIDE, Conclusion
from ablate.report.claims import TOO_FEW, foremost, sentence, subject
from ablate.report.document import Block, Cards, Items, Span, Text, text
from ablate.report.evidence import Evidence
from ablate.report.numbers import counted, fixed, joined, plural
from ablate.report.sections.forest import comparison_tables
from ablate.report.sections.limits import limits
from ablate.report.sections.section import Content, section
from ablate.report.winners import ranking, winner_card

OUTCOMES: tuple[Conclusion, ...] = ("better", "worse", "equivalent", "inconclusive")


@section("verdicts", "Verdicts in full", summary="Every comparison in words, best arms, and what this cannot say")
def verdicts(evidence: Evidence) -> Content:
    """Returns what the headline rests on; its numbers stand with the headline."""
    if not evidence.finished:
        return [], {}
    winners = evidence.winners
    ahead, lines = ranking(evidence, winners), tuple(verdict_lines(evidence))
    blocks: list[Block] = [*_counts(evidence)]
    blocks += [Items(_title(evidence), lines)] if lines else []
    blocks += [ahead] if ahead else []
    blocks.append(Cards(tuple(winner_card(evidence, each) for each in winners)))
    blocks.append(Items("What this cannot say", tuple(limits(evidence, winners))))
    blocks += comparison_tables(evidence)
    return blocks, {}


def _counts(evidence: Evidence) -> Iterator[Text]:
    """Counts the verdicts of what was declared."""
    declared = [each for found in evidence.contrasts.values() for each in found if each.declared]
    if len(declared) > 1:
        counts = Counter(each.verdict for each in declared)
        listed = counted({outcome: counts[outcome] for outcome in OUTCOMES})
        metrics = joined([metric.label for metric in evidence.primary])
        yield text(f"Of {len(declared)} declared comparisons on {metrics}, verdicts are: {listed}.")


def _title(evidence: Evidence) -> str:
    judged = [each for found in evidence.contrasts.values() for each in found if each.declared and each.judgement]
    if judged and all(each.reason in TOO_FEW for each in judged):
        return "Differences to the baseline, with too few seeds for a verdict"
    return "Verdicts against the baseline"


def verdict_lines(evidence: Evidence) -> Iterator[Text]:
    """Goes through the levels whose difference is the largest of their axis, each on every primary metric."""
    metrics = [metric.name for metric in evidence.primary if metric.name in evidence.contrasts]
    seeds = len(evidence.study.seeds)
    table = {each.effect.key: each for name in metrics[:1] for each in evidence.contrasts[name]}
    # What was declared comes first.
    for axis in dict.fromkeys(each.effect.axis for each in sorted(table.values(), key=lambda each: not each.declared)):
        mine = [each for key, each in table.items() if key[0] == axis]
        shown = foremost(mine)
        for number, told in enumerate(shown):
            key, kind = told.effect.key, ": " if told.declared else " (exploratory): "
            spans: list[Span | str] = [*subject(told), kind]
            for place, name in enumerate(metrics):
                each = next(each for each in evidence.contrasts[name] if each.effect.key == key)
                spans += ["; " if place else "", *sentence(evidence.metrics[name], each, seeds)]
            rest = len(mine) - len(shown)
            other = "arm" if axis == BESIDE else "level"
            more = f" ({plural(rest, f'other {other}')} moved it less.)" if rest and number == len(shown) - 1 else ""
            yield text(*spans, f".{_cost(evidence, key)}{more}")


def _cost(evidence: Evidence, key: tuple[str, str]) -> str:
    """Says what the level costs in training time, as a share of the baseline's, where no other cell slowed it down."""
    share = evidence.time_shares.get(key) if evidence.ran_alone else None
    if share is None or share.low is None or share.high is None:
        return ""
    percent = fixed(100 * share.mean, 0, signed=True)
    limits = f"[{fixed(100 * share.low, 0, signed=True)}, {fixed(100 * share.high, 0, signed=True)}]"
    return f" Training time {percent} % {limits}."
