"""Quality against perception and against bits: where each arm lies, which no other beats, and how sure that is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from ablate.analysis import Chance, front_chances
from ablate.report.arms import arm_columns, arm_values
from ablate.report.document import Block, Column, Section, Span, Table, Text, Value, code, text
from ablate.report.evidence import Encoding, Evidence
from ablate.report.numbers import NONE, fixed, plural
from ablate.report.planes import Plane
from ablate.report.sections.coverage import coverage, coverage_table
from ablate.report.sections.frontier_figure import frontier_figure
from ablate.report.sections.rate_curves import rate_curves

QUALITY = "psnr"
RATE = "bpp_actual"


def tradeoff(evidence: Evidence) -> Section:
    """Returns PSNR against the Fréchet distance and bits, the front with its certainty, and curves over bits."""
    measures = evidence.measures
    distance = next((measure for name, measure in measures.items() if name.startswith("fd_")), None)
    quality, rate = measures.get(QUALITY), measures.get(RATE)
    planes = [Plane(evidence, quality, other) for other in (distance, rate) if quality and other]
    planes = [plane for plane in planes if plane.points]
    title = "Quality, perception, bits"
    if not planes:
        said = text("No finished cell has both a PSNR and something to plot it against.")
        return Section("tradeoff", title, (said,), {"front": {}}, "Trade-offs")
    encoding = Encoding.of(evidence.study.axes)
    fronts = {plane.other.name: plane.front for plane in planes}
    blocks: list[Block] = [frontier_figure(evidence, encoding, planes)]
    numbers: dict[str, Any] = {"points": [point for plane in planes for point in _points(plane)], "front": fronts}
    blocks += [_front_text(plane) for plane in planes if len(plane.points) > 1]
    if distance and len(planes[0].points) > 1:
        chances = front_chances(planes[0].gains)
        blocks.append(_front_table(evidence, planes[0], chances))
        covered = coverage(evidence, planes[0], encoding)
        if covered:
            blocks.append(coverage_table(covered, planes[0]))
        numbers |= {"chances": [asdict(chance) for chance in chances], "coverage": covered}
    curves, curve_numbers = rate_curves(evidence)
    return Section("tradeoff", title, (*blocks, *curves), numbers | curve_numbers, "Trade-offs")


def _points(plane: Plane) -> list[dict[str, Any]]:
    return [
        {"arm": name, "metric": plane.other.name, "psnr": quality, "value": value}
        for name, (quality, value) in plane.points.items()
    ]


def _front_text(plane: Plane) -> Text:
    verb = "is" if len(plane.front) == 1 else "are"
    spans: list[Span | str] = [
        f"On {plane.quality.label} and {plane.other.label} together, {len(plane.front)} of "
        f"{plural(len(plane.points), 'arm')} {verb} beaten by no other"
    ]
    if len(plane.front) <= 6:
        for number, name in enumerate(plane.front):
            spans += [": " if not number else ", ", code(name)]
    return text(*spans, ".")


def _front_table(evidence: Evidence, plane: Plane, chances: Sequence[Chance]) -> Table:
    """Returns the arms that are, or might be, on the front, the surest first."""
    names = {arm.name: arm for arm in evidence.finished}
    possible = [each for each in chances if each.seeds_on_front or each.arm in plane.front or each.resampled]
    possible.sort(key=lambda each: (each.arm not in plane.front, -(each.resampled or 0.0), -each.seeds_on_front))
    rows = []
    for each in possible:
        quality, value = plane.points[each.arm]
        of = f"{each.seeds_on_front} of {each.seeds}"
        chance = NONE if each.resampled is None else f"{each.resampled:.0%}"
        rows.append(
            (
                *arm_values(evidence, each.arm, names[each.arm].axes),
                Value(fixed(quality, plane.quality.decimals), sort=quality),
                Value(fixed(value, plane.other.decimals), sort=value),
                Value("yes" if each.arm in plane.front else "no", tone="best" if each.arm in plane.front else "plain"),
                Value(of, sort=each.seeds_on_front / max(each.seeds, 1)),
                Value(chance, sort=each.resampled, tone="muted" if each.resampled is None else "plain"),
            )
        )
    columns = (
        *arm_columns(evidence), Column(plane.quality.label, plane.quality.unit), Column(plane.other.label),
        Column("on the front", "by means", numeric=False), Column("on the front", "seed by seed"),
        Column("on the front", "seeds resampled"),
    )  # fmt: skip
    caption = (
        f"Arms that no other beats on {plane.quality.label} and {plane.other.label} together, by their means over "
        "seeds, by each seed alone, and in what share of 1,000 resamples of the seeds. A share well below 100% says "
        "that the front would look otherwise with other seeds."
    )
    return Table("front", "How surely an arm is on the front", columns, tuple(rows), caption, len(rows) > 20)
