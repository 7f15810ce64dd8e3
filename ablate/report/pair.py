"""The document of two cells: settings, metrics with their certainty, every image, and reconstructions to compare."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from ablate.report.crops import (
    ERROR_REACH,
    ERROR_STOPS,
    crop_side,
    most_detailed,
    read_image,
    to_png,
    to_thumbnail,
)
from ablate.report.difference import Cell, Change, Difference, Setting, as_json, setting_text
from ablate.report.document import (
    Block,
    Column,
    ComparedImage,
    Document,
    Gallery,
    Section,
    Span,
    Table,
    Tile,
    Value,
    strong,
    text,
)
from ablate.report.numbers import NONE, fixed, joined

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
    outcomes = [change for change in found.changes if change.measure.direction]
    told = [f"{change.measure.label} {written(change)}, {change.outcome}" for change in outcomes[:4]]
    yield text(*spans, "; ".join(told) or "nothing was measured in both", ".", kind="lead")
    yield text(CAVEAT, kind="note")
    yield _changes_table(found.changes)
    yield _settings_table("settings", "Settings that differ", found.settings)
    if found.circumstances:
        yield _settings_table("circumstances", "Circumstances that differ", found.circumstances)


def written(change: Change) -> str:
    """Writes a difference with its sign and its interval."""
    if change.difference is None:
        return NONE
    value = fixed(change.difference, change.measure.decimals, signed=True)
    if change.low is None or change.high is None:
        return f"{value} {change.measure.unit}".strip()
    low, high = (fixed(limit, change.measure.decimals, signed=True) for limit in (change.low, change.high))
    return f"{value} {change.measure.unit}".strip() + f" [{low}, {high}]"


def _changes_table(changes: Sequence[Change]) -> Table:
    rows = [
        (
            Value(change.measure.label),
            *(Value(fixed(value, change.measure.decimals), sort=value) for value in (change.first, change.second)),
            Value(written(change), sort=change.difference),
            Value(str(change.images) if change.images else NONE, sort=change.images),
            Value(change.outcome, change.incomparable, tone="bad" if change.incomparable else "plain"),
        )
        for change in changes
    ]
    columns = (
        Column("metric", numeric=False), Column("first"), Column("second"),
        Column("second − first", "95% over images"), Column("images"), Column("second is", numeric=False),
    )  # fmt: skip
    return Table("metrics", "Metrics", columns, tuple(rows))


def _settings_table(name: str, title: str, settings: Sequence[Setting]) -> Block:
    if not settings:
        return text(strong(f"{title}: "), "none; what differs is chance or code.")
    rows = [(Value(each.key), *(Value(setting_text(side)) for side in (each.first, each.second))) for each in settings]
    columns = tuple(Column(heading, numeric=False) for heading in ("setting", "first", "second"))
    return Table(name, title, columns, tuple(rows))


def _images(found: Difference, originals: Mapping[str, np.ndarray]) -> Iterator[Block]:
    each = [change for change in found.changes if change.by_image]
    if not each:
        yield text("No metric was measured image by image in both cells.")
        return
    yield _images_table(each)
    change = next((change for change in each if change.measure.name == "psnr"), each[0])
    chosen = choose(change.by_image or {})
    side = crop_side(3 * len(chosen), BUDGET)
    drawn = [_image(found, change, name, rule, originals, side) for name, rule in chosen.items()]
    shown = [image for image in drawn if image]
    gone = [name for name in chosen if name not in {image.image for image in shown}]
    if gone:
        yield text(f"The original or a reconstruction of {joined(gone)} cannot be read any more.", kind="warning")
    if shown:
        caption = (
            f"By rule: where {change.measure.label} differs most, and the median. The {side} px window with the most "
            "detail, pixel for pixel. Point at a crop to see the original; the slider draws it over both from the left."
        )
        yield Gallery("images", tuple(shown), caption, ERROR_STOPS, ERROR_REACH)


def choose(differences: Mapping[str, float]) -> dict[str, str]:
    """Returns up to six images with the rule that chose each: the largest gaps either way, and the median."""
    ranked = sorted(differences, key=lambda name: differences[name])
    chosen = {ranked[(len(ranked) - 1) // 2]: "median difference"}
    for name in sorted(ranked, key=lambda name: -abs(differences[name])):
        if len(chosen) < SHOWN:
            chosen.setdefault(name, "largest gain" if differences[name] > 0 else "largest loss")
    return chosen


def _images_table(changes: Sequence[Change]) -> Table:
    names = list(dict.fromkeys(name for change in changes for name in change.by_image or {}))
    rows = []
    for name in names:
        gaps = [(change, (change.by_image or {}).get(name)) for change in changes]
        rows.append(
            (Value(name), *(Value(fixed(gap, change.measure.decimals, signed=True), sort=gap) for change, gap in gaps))
        )
    columns = (Column("image", numeric=False), *(Column(c.measure.label, c.measure.unit) for c in changes))
    caption = "Second minus first. An image that a metric is undefined on has none. Click a heading to sort."
    return Table("images", "Every image", columns, tuple(rows), caption, filterable=len(rows) > 20)


def _image(
    found: Difference, change: Change, name: str, rule: str, originals: Mapping[str, np.ndarray], side: int
) -> ComparedImage | None:
    files = [cell.entry.recon(found.weights, name) for cell in (found.first, found.second)]
    if name not in originals or not all(file.exists() for file in files):
        return None
    original, images = originals[name], [read_image(str(file)) for file in files]
    window = most_detailed(original, side)
    height, width = original.shape[1:]
    gap = fixed((change.by_image or {})[name], change.measure.decimals, signed=True)
    words = (("first",), ("second", f"{change.measure.label} {gap} {change.measure.unit}".strip()))
    tiles = [
        Tile(_name(cell), lines, to_png(window.of(pixels)))
        for cell, lines, pixels in zip((found.first, found.second), words, images, strict=True)
    ]
    whole = [
        Tile(title, ("whole image, scaled to fit",), to_thumbnail(pixels, WHOLE_WIDTH))
        for title, pixels in zip(("original", "first", "second"), (original, *images), strict=True)
    ]
    box = (window.left / width, window.top / height, window.width / width, window.height / height)
    own = Tile("original", ("8 bit a channel, 24 bpp",), to_png(window.of(original)))
    return ComparedImage(name, rule, box, (window.width, window.height), tuple(whole), own, tuple(tiles))
