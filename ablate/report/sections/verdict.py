"""The headline: what was learned, every declared comparison with its verdict, and what this design cannot say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from ablate.analysis import BESIDE, Contrast, seeds_for, smallest_p, winner
from ablate.records import Status
from ablate.report.claims import TOO_FEW, sentence, subject, why_not
from ablate.report.document import Block, Cards, Items, Span, Text, code, strong, text
from ablate.report.evidence import Evidence
from ablate.report.headline import headline
from ablate.report.numbers import counted, fixed, plural
from ablate.report.sections.limits import limits
from ablate.report.sections.section import Content, section
from ablate.report.winners import ranking, winner_card

LEVELS = 3
"""Levels of an axis whose verdicts the headline tells; the section on comparisons has all of them."""


@section("verdict", "Verdict")
def verdict(evidence: Evidence) -> Content:
    """Returns the section that a reader with two minutes reads."""
    if not evidence.finished:
        said = _nothing(evidence)
        return [said], {"winners": [], "contrasts": [], "sentences": [said.plain]}
    study = evidence.study
    found = [winner(study, metric.name, metric.better) for metric in evidence.primary]
    winners = [each for each in found if each]
    lead, ahead, lines = headline(evidence), ranking(evidence, winners), list(_lines(evidence))
    unsaid = limits(evidence, winners)
    blocks: list[Block] = [lead]
    if lines:
        blocks.append(Items(_title(evidence), tuple(lines)))
    blocks += [ahead] if ahead else []
    blocks += [Cards(tuple(winner_card(evidence, each) for each in winners))]
    blocks.append(Items("What this cannot say", tuple(unsaid)))
    numbers = {
        "winners": [asdict(each) for each in winners],
        "contrasts": [contrast_numbers(each) for found in evidence.contrasts.values() for each in found],
        "smallest_p": smallest_p(len(study.seeds)),
        "seeds_needed": seeds_for(evidence.alpha),
        "alpha": evidence.alpha,
        "sentences": [each.plain for each in (lead, *lines, *([ahead] if ahead else []), *unsaid)],
    }
    return blocks, numbers


def contrast_numbers(contrast: Contrast) -> dict[str, Any]:
    """Returns a comparison as data, the reason for no verdict in words too."""
    return asdict(contrast) | {"why": why_not(contrast)}


def _title(evidence: Evidence) -> str:
    judged = [each for found in evidence.contrasts.values() for each in found if each.declared and each.judgement]
    if judged and all(each.reason in TOO_FEW for each in judged):
        return "Differences to the baseline, with too few seeds for a verdict"
    return "Verdicts against the baseline"


def _nothing(evidence: Evidence) -> Text:
    study = evidence.study
    if study.cells and all(cell.status is Status.diverged for cell in study.cells):
        said = " There is no codec to measure; Completeness says where and why."
        return text(strong("Every cell diverged."), said, kind="lead")
    counts = Counter(cell.status for cell in study.cells)
    ended = counted({status: counts[status] for status in (Status.diverged, Status.failed)})
    so_far = f", of them {ended} (Completeness says why)" if ended else ""
    return text(
        strong("No cell has finished yet"),
        f", so there is nothing to compare. {plural(len(study.cells), 'cell')} planned{so_far}; ",
        code(f"ablate run {study.name}.toml"),
        " trains what is left, and the report fills as cells finish.",
        kind="lead",
    )


def _lines(evidence: Evidence) -> Iterator[Text]:
    """Goes through the levels whose difference is the largest of their axis, each on every primary metric."""
    metrics = [metric.name for metric in evidence.primary if metric.name in evidence.contrasts]
    seeds = len(evidence.study.seeds)
    table = {each.effect.key: each for name in metrics[:1] for each in evidence.contrasts[name]}
    # What was declared comes first.
    for axis in dict.fromkeys(each.effect.axis for each in sorted(table.values(), key=lambda each: not each.declared)):
        mine = {key: each for key, each in table.items() if key[0] == axis}
        shown = _foremost(mine)
        for number, key in enumerate(shown):
            kind = ": " if mine[key].declared else " (exploratory): "
            spans: list[Span | str] = [*subject(mine[key]), kind]
            for place, name in enumerate(metrics):
                each = next(each for each in evidence.contrasts[name] if each.effect.key == key)
                spans += ["; " if place else "", *sentence(evidence.metrics[name], each, seeds)]
            rest = len(mine) - len(shown)
            other = "arm" if axis == BESIDE else "level"
            more = f" ({plural(rest, f'other {other}')} moved it less.)" if rest and number == len(shown) - 1 else ""
            yield text(*spans, f".{_cost(evidence, key)}{more}")


def _foremost(contrasts: Mapping[tuple[str, str], Contrast]) -> list[tuple[str, str]]:
    """Returns the levels to tell, those with a verdict and the largest difference first, in the order of the axis."""

    def place(key: tuple[str, str]) -> tuple[bool, float]:
        own = contrasts[key].effect.interval
        return contrasts[key].verdict not in ("better", "worse"), -abs(own.mean) if own else 0.0

    kept = sorted(contrasts, key=place)[:LEVELS]
    return [key for key in contrasts if key in kept]


def _cost(evidence: Evidence, key: tuple[str, str]) -> str:
    """Says what the level costs in training time, as a share of the baseline's, where no other cell slowed it down."""
    share = evidence.time_shares.get(key) if evidence.ran_alone else None
    if share is None or share.low is None or share.high is None:
        return ""
    percent = fixed(100 * share.mean, 0, signed=True)
    limits = f"[{fixed(100 * share.low, 0, signed=True)}, {fixed(100 * share.high, 0, signed=True)}]"
    return f" Training time {percent} % {limits}."
