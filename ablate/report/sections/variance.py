"""What makes scores vary: arm, seed, image, and the machine alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from ablate.analysis import Components, components, noise_floor
from ablate.analysis.variance import PARTS
from ablate.report.document import Block, Column, Figure, Section, Table, Text, Value, strong, text
from ablate.report.evidence import Evidence, Measure
from ablate.report.numbers import fixed, joined, plural
from ablate.report.svg import SERIES, drawing, to_svg

MEANINGS = {
    "arm": "how far arms lie apart on average",
    "seed": "what a seed moves in every arm and image alike",
    "image": "how far images lie apart, whatever the arm",
    "arm x seed": "what a seed moves in one arm and not in another: the noise of a comparison over seeds",
    "arm x image": "images that suit one arm more than another",
    "seed x image": "what a seed moves in one image and not in another",
    "residual": "what is left, all three together",
}


def variance(evidence: Evidence) -> Section:
    """Returns the components of variance of per-image PSNR, and the noise floor of every primary metric."""
    title, short = "What makes scores vary", "Variance"
    found = components(evidence.per_image, evidence.study) if evidence.finished else None
    floors = {m.name: noise_floor(evidence.study, m.name) for m in evidence.primary}
    blocks: list[Block] = [_floor_text(evidence, floors)]
    if found is None:
        words = "Components of variance need two arms, two seeds and two images, with a value everywhere."
        blocks.insert(0, text(words))
    else:
        measure = evidence.measures[found.metric]
        arms, seeds = plural(found.arms, "arm"), plural(found.seeds, "seed")
        said = (
            f"{measure.label} of each image, over {arms} with all {seeds} and "
            f"{plural(found.images, 'image')}: standard deviations of crossed effects (analysis of variance). More "
            "images average away what images move; only seeds average away what seeds move."
        )
        blocks[:0] = [text(said), _figure(measure, found), _table(measure, found)]
    numbers = {
        "components": asdict(found) if found else None,
        "noise_floor": {name: {"standard_deviation": floor, "pairs": pairs} for name, (floor, pairs) in floors.items()},
    }
    return Section("variance", title, tuple(blocks), numbers, short)


def _floor_text(evidence: Evidence, floors: dict[str, tuple[float | None, int]]) -> Text:
    known = [(evidence.measures[name], floor) for name, (floor, _) in floors.items() if floor is not None]
    if not known:
        said = "No cell was run twice with one seed, so what the machine alone moves is not known ([seeds] aa = true)."
        return text(said, kind="note")
    below, nothing = "No difference below that means anything.", "What seeds move is all the noise there is."
    pairs = max(count for _, count in floors.values())
    parts = [f"{measure.label} {fixed(floor, measure.decimals)} {measure.unit}".strip() for measure, floor in known]
    return text(
        strong("A/A noise floor: "),
        f"run again with the same seed, a cell's score moves by {joined(parts)} (standard deviation from "
        f"{plural(pairs, 'pair')}). " + (below if any(floor for _, floor in known) else nothing),
    )


def _figure(measure: Measure, found: Components) -> Figure:
    with drawing("variance"):
        from matplotlib.figure import Figure as Canvas

        canvas = Canvas(figsize=(11, 2.6), layout="constrained")
        panel = canvas.subplots()
        parts: Sequence[tuple[str, float]] = list(found.deviations.items())
        if found.again is not None:
            parts = [*parts, ("machine (A/A)", found.again)]
        panel.barh([name for name, _ in parts], [value for _, value in parts], color=SERIES[0][0], height=0.62)
        panel.invert_yaxis()
        panel.set_xlabel(f"standard deviation of {measure.label} ({measure.unit})")
        panel.grid(False, axis="y")
        svg = to_svg(canvas)
    return Figure(
        "variance", svg, f"Standard deviations of the parts of {measure.label}",
        "A comparison over seeds is blind to what arms share: it is as sharp as arm x seed and the residual let it be.",
    )  # fmt: skip


def _table(measure: Measure, found: Components) -> Table:
    rows = [
        (
            Value(part, sort=part),
            Value(fixed(found.deviations[part], measure.decimals + 1), sort=found.deviations[part]),
            Value(MEANINGS[part]),
        )
        for part in PARTS
    ]  # fmt: skip
    if found.again is not None:
        again = Value(fixed(found.again, measure.decimals + 1), sort=found.again)
        rows.append((Value("machine (A/A)"), again, Value("a cell's mean when it is run again with the same seed")))
    columns = (Column("part", numeric=False), Column("standard deviation", measure.unit), Column("what", numeric=False))
    return Table("variance", "Components of variance", columns, tuple(rows))
