"""The document of two cells: settings, metrics with their certainty, every image, and reconstructions to compare."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ablate.analysis.axes import value_text
from ablate.analysis.difference import Cell, Change, Difference, Setting, as_json
from ablate.report.crops import compared, crop_side, gallery, most_detailed, page_png, read_image
from ablate.report.document import Block, ComparedImage, Document, Section, Span, Table, Tile, Value, strong, text
from ablate.report.numbers import NONE, fixed, joined, with_unit
from ablate.report.tables import Field, number, numbers, table, words
from ablate.store.seal import require_whole

if TYPE_CHECKING:
    import numpy as np

SHOWN = 6
"""Images shown: those on which the cells differ most, and the median one."""

BUDGET = 4_000_000
WHOLE_WIDTH = 420
CAVEAT = (
    "Intervals are over images: they tell whether these two checkpoints differ on images like these. What another "
    "seed would give they cannot say; ablate report compares arms over seeds."
)


def pair_document(found: Difference, originals: Mapping[str, np.ndarray]) -> Document:
    """Returns the comparison of two cells as a report.

    Args:
        found: the difference.
        originals: test images by name, uint8 (3, H, W); those that are missing are not shown.
    """
    sections = [
        Section("difference", "Difference", tuple(_difference(found)), as_json(found)),
        Section("images", "Images", tuple(_images(found, originals))),
    ]
    subtitle = f"{found.first.id} and {found.second.id} · {found.weights} weights"
    title = f"{_name(found.first)} and {_name(found.second)}"
    return Document(title, subtitle, tuple(sections), "Comparison of two cells")


def _name(cell: Cell) -> str:
    return f"{cell.label} of {cell.grid}"


def _difference(found: Difference) -> Iterator[Block]:
    second, first = (strong(_name(cell)) for cell in (found.second, found.first))
    spans: list[Span | str] = ["Second cell ", second, " against first ", first, ": "]
    outcomes = [change for change in found.changes if change.metric.direction]
    told = [f"{change.metric.label} {written(change)}, {change.outcome}" for change in outcomes[:4]]
    yield text(*spans, "; ".join(told) or "nothing was measured in both", ".", kind="lead")
    yield text(CAVEAT, kind="note")
    yield changes_table(found.changes)
    if found.settings:
        yield settings_table("settings", found.settings)
    else:
        yield text(strong("Settings that differ: "), "none; what differs is chance or code.")
    if found.circumstances:
        yield settings_table("circumstances", found.circumstances)


def written(change: Change) -> str:
    """Writes a difference with its sign and its interval."""
    if change.difference is None:
        return NONE
    value = with_unit(change.metric, change.difference, signed=True)
    if change.low is None or change.high is None:
        return value
    low, high = (fixed(limit, change.metric.decimals, signed=True) for limit in (change.low, change.high))
    return f"{value} [{low}, {high}]"


def changes_table(changes: Sequence[Change]) -> Table:
    """Returns a row a metric: both values, their difference, and what that tells."""

    def value(change: Change, side: float | None) -> Value:
        return number(side, change.metric.decimals)

    return table(
        "metrics", "Metrics", changes,
        words("metric", lambda change: change.metric.label),
        numbers("first", lambda change: value(change, change.first)),
        numbers("second", lambda change: value(change, change.second)),
        numbers("second − first", lambda change: Value(written(change), sort=change.difference), "95% over images"),
        numbers("images", lambda change: number(change.images or None)),
        words("second is", lambda change: Value(
            change.outcome, change.incomparable, change.outcome, "bad" if change.incomparable else "plain"
        )),
    )  # fmt: skip


def settings_table(name: str, settings: Sequence[Setting]) -> Table:
    """Returns a row a setting, or a circumstance, in which the cells differ."""
    return table(
        name, f"{name.capitalize()} that differ", settings,
        words(name.removesuffix("s"), lambda each: each.key),
        words("first", lambda each: setting_text(each.first)),
        words("second", lambda each: setting_text(each.second)),
    )  # fmt: skip


def _images(found: Difference, originals: Mapping[str, np.ndarray]) -> Iterator[Block]:
    each = [change for change in found.changes if change.by_image]
    if not each:
        yield text("No metric was measured image by image in both cells.")
        return
    yield _images_table(each)
    change = next((change for change in each if change.metric.name == "psnr"), each[0])
    chosen = choose(change.by_image or {})
    side = crop_side(3 * len(chosen), BUDGET)
    drawn = {name: _image(found, change, name, rule, originals, side) for name, rule in chosen.items()}
    gone = [name for name, image in drawn.items() if not image]
    if gone:
        yield text(f"The original or a reconstruction of {joined(gone)} cannot be read any more.", kind="warning")
    shown = [image for image in drawn.values() if image]
    if shown:
        yield gallery(
            shown,
            f"By rule: where {change.metric.label} differs most, and the median. The {side} px window with the most "
            "detail, pixel for pixel. Point at a crop to see the original; the slider draws it over both from the "
            "left.",
        )


def choose(differences: Mapping[str, float]) -> dict[str, str]:
    """Returns up to six images with the rule that chose each: the largest gaps either way, and the median."""
    ranked = sorted(differences, key=lambda name: differences[name])
    chosen = {ranked[(len(ranked) - 1) // 2]: "median difference"}
    for name in sorted(ranked, key=lambda name: -abs(differences[name])):
        if len(chosen) < SHOWN:
            chosen.setdefault(name, "largest gain" if differences[name] > 0 else "largest loss")
    return chosen


def _images_table(changes: Sequence[Change]) -> Table:
    def gaps(change: Change) -> Field[str]:
        metric, found = change.metric, change.by_image or {}
        return numbers(
            metric.label,
            lambda name: Value(fixed(found.get(name), metric.decimals, signed=True), sort=found.get(name)),
            metric.unit,
        )

    return table(
        "images", "Every image", dict.fromkeys(name for change in changes for name in change.by_image or {}),
        words("image", lambda name: Value(name, sort=name)),
        *map(gaps, changes),
        caption="Second minus first. An image that a metric is undefined on has none. Click a heading to sort.",
    )  # fmt: skip


def _image(
    found: Difference, change: Change, name: str, rule: str, originals: Mapping[str, np.ndarray], side: int
) -> ComparedImage | None:
    cells = (found.first, found.second)
    files = [cell.entry.recon(found.weights, name) for cell in cells]
    if name not in originals or not all(file.exists() for file in files):
        return None
    for cell, file in zip(cells, files, strict=True):
        require_whole(cell.entry, cell.result, (str(file.relative_to(cell.entry.path)),))
    original, images = originals[name], [read_image(file) for file in files]
    window = most_detailed(original, side)
    gap = with_unit(change.metric, (change.by_image or {})[name], signed=True)
    said = (("first",), ("second", f"{change.metric.label} {gap}"))
    tiles = [
        Tile(_name(cell), lines, page_png(window.of(pixels)))
        for cell, lines, pixels in zip(cells, said, images, strict=True)
    ]
    whole = zip(("original", "first", "second"), (original, *images), strict=True)
    views = [((title, "whole image, scaled to fit"), pixels) for title, pixels in whole]
    return compared(name, rule, original, window, original, views, WHOLE_WIDTH, tiles)


def setting_text(value: Any) -> str:
    """Writes a setting for a reader."""
    return NONE if value is None else value if isinstance(value, str) else value_text(value)
