"""Sources of the variance of scores: arm, seed, image, and the machine alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from ablate.analysis import components, noise_floor
from ablate.analysis.variance import PARTS
from ablate.metrics import Metric
from ablate.report.document import Block, Figure, Text, strong, text
from ablate.report.evidence import Evidence
from ablate.report.figures import draw
from ablate.report.numbers import joined, plural, with_unit
from ablate.report.sections.section import Content, section
from ablate.report.svg import SERIES
from ablate.report.tables import numbers, table, words

MEANINGS = {
    "arm": "how far arms lie apart on average",
    "seed": "what a seed moves in every arm and image alike",
    "image": "how far images lie apart, whatever the arm",
    "arm x seed": "what a seed moves in one arm and not in another: the noise of a comparison over seeds",
    "arm x image": "images that suit one arm more than another",
    "seed x image": "what a seed moves in one image and not in another",
    "residual": "what is left, all three together",
}
AGAIN = "a cell's mean when it is run again with the same seed"

Row = tuple[str, float, str]
"""A component of variance: its name, its standard deviation, what it is."""


@section(
    "variance", "What makes scores vary", "Variance", summary="Shares of seeds, settings and images in the scatter"
)
def variance(evidence: Evidence) -> Content:
    """Returns the components of variance of per-image PSNR, and the noise floor of every primary metric."""
    found = components(evidence.per_image, evidence.study) if evidence.finished else None
    floors = {m.name: noise_floor(evidence.study, m.name) for m in evidence.primary}
    blocks: list[Block] = [_floor_text(evidence, floors)]
    if found is None:
        said = "Components of variance need two arms, two seeds and two images, with a value everywhere."
        blocks.insert(0, text(said))
    else:
        # Sentence, figure and table of the components stand before the noise floor.
        metric = evidence.metrics[found.metric]
        arms, seeds = plural(found.arms, "arm"), plural(found.seeds, "seed")
        said = (
            f"{metric.label} of each image, over {arms} with all {seeds} and "
            f"{plural(found.images, 'image')}: standard deviations of crossed effects (analysis of variance). More "
            "images average away what images move; only seeds average away what seeds move."
        )
        rows = [(part, found.deviations[part], MEANINGS[part]) for part in PARTS]
        rows += [] if found.again is None else [("machine (A/A)", found.again, AGAIN)]
        parts = table(
            "variance", "Components of variance", rows,
            words("part", lambda row: row[0]),
            numbers("standard deviation", lambda row: row[1], metric.unit, decimals=metric.decimals + 1),
            words("what", lambda row: row[2]),
        )  # fmt: skip
        blocks[:0] = [text(said), _figure(metric, rows), parts]
    data = {
        "components": asdict(found) if found else None,
        "noise_floor": {name: {"standard_deviation": floor, "pairs": pairs} for name, (floor, pairs) in floors.items()},
    }
    return blocks, data


def _floor_text(evidence: Evidence, floors: dict[str, tuple[float | None, int]]) -> Text:
    known = [(evidence.metrics[name], floor) for name, (floor, _) in floors.items() if floor is not None]
    if not known:
        said = "No cell was run twice with one seed, so what the machine alone moves is not known ([seeds] aa = true)."
        return text(said, kind="note")
    below, nothing = "No difference below that means anything.", "What seeds move is all the noise there is."
    pairs = max(count for _, count in floors.values())
    parts = [f"{metric.label} {with_unit(metric, floor)}" for metric, floor in known]
    return text(
        strong("A/A noise floor: "),
        f"run again with the same seed, a cell's score moves by {joined(parts)} (standard deviation from "
        f"{plural(pairs, 'pair')}). " + (below if any(floor for _, floor in known) else nothing),
    )


def _figure(metric: Metric, rows: Sequence[Row]) -> Figure:
    with draw("variance", 2.6) as drawn:
        panel = drawn.canvas.subplots()
        panel.barh([part for part, _, _ in rows], [value for _, value, _ in rows], color=SERIES[0][0], height=0.62)
        panel.invert_yaxis()
        panel.set_xlabel(f"standard deviation of {metric.label} ({metric.unit})")
        panel.grid(False, axis="y")
        return drawn.figure(
            f"Standard deviations of the parts of {metric.label}",
            "A comparison over seeds is blind to what arms share: it is as sharp as arm x seed and the residual let it "
            "be.",
        )
