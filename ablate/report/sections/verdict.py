"""The first screen: what was found, the trade-off figure, and one image by the best arms, the baseline and JPEG."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from ablate.analysis import Contrast, seeds_for, smallest_p
from ablate.records import Status
from ablate.report.claims import why_not
from ablate.report.document import Block, Text, code, strong, text
from ablate.report.evidence import LOST, Evidence
from ablate.report.headline import headline
from ablate.report.numbers import counted, plural
from ablate.report.sections.completeness import warnings
from ablate.report.sections.limits import limits
from ablate.report.sections.section import Content, section
from ablate.report.sections.strip import strip
from ablate.report.sections.tradeoff import tradeoff_figure
from ablate.report.sections.verdicts import verdict_lines
from ablate.report.winners import ranking


@section("verdict", "Verdict")
def verdict(evidence: Evidence) -> Content:
    """Returns the first screen: what was found, the trade-off, and what it looks like."""
    if not evidence.finished:
        said = _nothing(evidence)
        return [said], {"winners": [], "contrasts": [], "sentences": [said.plain]}
    study = evidence.study
    winners = evidence.winners
    lead, ahead, lines = headline(evidence), ranking(evidence, winners), list(verdict_lines(evidence))
    blocks: list[Block] = [lead, *_missing(evidence)]
    drawn = tradeoff_figure(evidence)
    blocks += [drawn] if drawn else []
    seen = strip(evidence, winners)
    blocks += [seen] if seen else []
    unsaid = limits(evidence, winners)
    numbers = {
        "winners": [asdict(each) for each in winners],
        "contrasts": [contrast_numbers(each) for found in evidence.contrasts.values() for each in found],
        "smallest_p": smallest_p(len(study.seeds)),
        "seeds_needed": seeds_for(evidence.alpha),
        "alpha": evidence.alpha,
        "sentences": [each.plain for each in (lead, *lines, *([ahead] if ahead else []), *unsaid)],
    }
    return blocks, numbers


def _missing(evidence: Evidence) -> Iterator[Text]:
    """Warns where cells are lost, or differ in what they should share."""
    counts = Counter(cell.status for cell in evidence.study.cells)
    lost = counted({status: counts[status] for status in LOST})
    if lost:
        yield text(f"Of {plural(len(evidence.study.cells), 'cell')}, {lost}: Completeness says why.", kind="warning")
    mixed = list(warnings(evidence))
    if mixed:
        yield text(f"{plural(len(mixed), 'warning')} against pooling these cells: see Completeness.", kind="warning")


def contrast_numbers(contrast: Contrast) -> dict[str, Any]:
    """Returns a comparison as data, the reason for no verdict in words too."""
    return asdict(contrast) | {"why": why_not(contrast)}


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
