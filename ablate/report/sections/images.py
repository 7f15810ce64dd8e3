"""Reconstructions beside the original: images and windows chosen by rule, the same for every arm."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ablate.analysis import Arm, Scores
from ablate.analysis.selection import Chosen, choose_arms, choose_images
from ablate.records import WEIGHTS, AlteredError, CellRecord, Status
from ablate.report.crops import (
    Window,
    compared,
    crop_side,
    gallery,
    most_detailed,
    page_png,
    read_image,
)
from ablate.report.document import Block, ComparedImage, Tile, text
from ablate.report.evidence import Evidence
from ablate.report.numbers import NONE, fixed, joined, plural
from ablate.report.sections.section import Content, section
from ablate.store.seal import require_whole

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np

ARMS = 32
"""Arms shown beside each other at most."""

BUDGET = 5_000_000
"""Bytes that all crops may take in the page, at the most."""

WHOLE_WIDTH = 300


@dataclass(frozen=True)
class Views:
    """Reconstructions by one seed of every arm; `reference` stands for the baseline."""

    evidence: Evidence
    reference: Arm
    seed: int

    @property
    def title(self) -> str:
        """Name of the reference's part."""
        return "baseline" if self.reference is self.evidence.study.baseline else "first finished arm"

    def value(self, scores: Scores, arm: Arm, image: str) -> float | None:
        """Returns an image's value of one arm."""
        value = float(scores.values[arm.name][scores.seeds.index(self.seed), scores.images.index(image)])
        return value if value == value else None

    def values(self, arm: Arm, image: str) -> dict[str, float | None]:
        """Returns quality and bits of an image."""
        found = (("psnr", self.evidence.per_image), ("bpp_actual", self.evidence.rate_per_image))
        return {name: self.value(scores, arm, image) for name, scores in found}

    def pixels(self, arm: Arm, image: str) -> np.ndarray | None:
        """Returns an arm's reconstruction, None where there is none."""
        cell = arm.of_seed(self.seed)
        if cell is None or cell.status is not Status.done:
            return None
        file = self._file(cell, image)
        return read_image(file) if file.exists() and self._whole(cell, file) else None

    def absent(self, arm: Arm, image: str) -> str:
        """Says why there is no reconstruction of a cell that is done."""
        cell = arm.of_seed(self.seed)
        altered = cell is not None and self._file(cell, image).exists()
        return "its PNG is altered: ablate store verify" if altered else "its PNG is no longer in the store"

    def _file(self, cell: CellRecord, image: str) -> Path:
        return self.evidence.store.cell(cell.id).recon(WEIGHTS[0], image)

    def _whole(self, cell: CellRecord, file: Path) -> bool:
        entry = self.evidence.store.cell(cell.id)
        assert cell.result is not None, "it is done"
        try:
            require_whole(entry, cell.result, (str(file.relative_to(entry.path)),))
        except AlteredError:
            return False
        return True


@section("images", "Reconstructions", "Images")
def images(evidence: Evidence) -> Content:
    """Returns every arm of the first seed at the same windows of up to three images."""
    reference = evidence.reference
    if reference is None:
        said = text("No cell has finished, so there is no reconstruction to show.")
        return [said], {"images": []}
    views = Views(evidence, reference, reference.done[0].seed)
    chosen = chosen_images(views)
    arms, rule = shown_arms(evidence, views.seed, ARMS)
    # Where originals are gone, crops stand alone.
    blocks: list[Block] = [text(_how(views, rule))]
    originals: Mapping[str, np.ndarray] = {}
    try:
        originals = evidence.originals
    except (OSError, ValueError) as error:
        words = f"The original images could not be read, so crops stand alone: {error}"
        blocks.append(text(words, kind="warning"))
    side = crop_side(len(chosen) * (len(arms) + 1), BUDGET)
    drawn = {each.image: _image(views, each, arms, originals.get(each.image), side) for each in chosen}
    gone = [image for image, each in drawn.items() if not each]
    if gone:
        words = f"Neither the original nor the baseline's PNG is there any more for {joined(gone)}."
        blocks.append(text(words, kind="warning"))
    shown = [each for each in drawn.values() if each]
    if shown:
        blocks.append(gallery((each for each, _ in shown), _caption(side)))
    numbers = {"seed": views.seed, "rule": rule, "images": [each for _, each in shown]}
    return blocks, numbers


def chosen_images(views: Views) -> tuple[Chosen, ...]:
    """Returns the images to show; what stands in for a baseline that has not finished goes by its own name."""
    evidence, reference = views.evidence, views.reference
    called = "the baseline arm" if reference is evidence.study.baseline else reference.name
    chosen = choose_images(evidence.per_image, reference.name, views.seed, evidence.metrics["psnr"].label, called)
    # One arm alone differs from none.
    return chosen if len(evidence.finished) > 1 else chosen[:2]


def _how(views: Views, rule: str) -> str:
    differ = ", and the one on which arms differ most" if len(views.evidence.finished) > 1 else ""
    return (
        f"Chosen by rule, not by hand: the images of median and of worst PSNR under {views.reference.name}{differ}. "
        f"{rule} All are of seed {views.seed}, averaged weights."
    )


def _caption(side: int) -> str:
    return (
        f"The {side} px window with the most detail, pixel for pixel. Point at a crop, or press the space bar on it, "
        "to see the original in its place; the slider draws it over all crops. Errors are mean absolute differences."
    )


def shown_arms(evidence: Evidence, seed: int, most: int) -> tuple[list[Arm], str]:
    """Returns so many arms at most to show, and the rule in words."""
    planned = [arm for arm in evidence.study.arms if arm.of_seed(seed)]
    if len(planned) <= most:
        return planned, "Every arm is shown."
    always = [evidence.reference.name] if evidence.reference else []
    for metric in evidence.primary:
        means = evidence.means(metric.name)
        if means:
            always += [max(means, key=lambda n: means[n]), min(means, key=lambda n: means[n])]
    values = {arm.name: value for arm in planned if (value := arm.scores("psnr").get(seed)) is not None}
    kept = choose_arms(values, tuple(always), most)
    labels = joined([metric.label for metric in evidence.primary])
    rule = (
        f"{len(kept)} of {plural(len(planned), 'arm')} are shown: the baseline, the best and the worst on {labels}, "
        "and others at even distances in the ranking by PSNR."
    )
    return [arm for arm in planned if arm.name in kept], rule


def _image(
    views: Views, chosen: Chosen, arms: list[Arm], original: np.ndarray | None, side: int
) -> tuple[ComparedImage, dict[str, Any]] | None:
    """Returns an image and its numbers, None where nothing is left to choose a window in."""
    image, rule = chosen.image, chosen.rule
    pixels = original if original is not None else views.pixels(views.reference, image)
    if pixels is None:
        return None
    window = most_detailed(pixels, side)
    tiles = [tile_of(views, arm, image, window) for arm in arms]
    numbers = {
        "image": image, "rule": rule,
        "window": {"left": window.left, "top": window.top, "width": window.width, "height": window.height},
        "arms": [{"arm": arm.name, **views.values(arm, image)} for arm in arms],
    }  # fmt: skip
    whole = _whole(views, image, original)
    return compared(image, rule, pixels, window, original, whole, WHOLE_WIDTH, tiles), numbers


def _whole(
    views: Views, image: str, original: np.ndarray | None
) -> Iterator[tuple[tuple[str, ...], np.ndarray]]:  # fmt: skip
    """Goes through the whole image, as the baseline gives it, and as the arm with the best PSNR on it does."""
    arms = {arm.name: arm for arm in views.evidence.study.arms if arm.name in views.evidence.per_image.values}
    found = {name: views.value(views.evidence.per_image, arm, image) for name, arm in arms.items()}
    psnr = {name: value for name, value in found.items() if value is not None}
    best = max(psnr, key=lambda name: psnr[name])
    titles = {views.reference.name: views.title}
    titles[best] = f"{views.title} and highest PSNR" if best in titles else "highest PSNR"
    if original is not None:
        yield ("original", "whole image, scaled to fit"), original
    for name, title in titles.items():
        pixels = views.pixels(arms[name], image)
        if pixels is not None:
            yield (name, title, f"{fixed(psnr[name], 2)} dB"), pixels


def tile_of(views: Views, arm: Arm, image: str, window: Window) -> Tile:
    """Returns an arm's crop with its quality and bits, or why there is none."""
    baseline = views.evidence.is_baseline(arm.name)
    cell = arm.of_seed(views.seed)
    if cell is None or cell.status is not Status.done:
        state = "not planned" if cell is None else cell.status
        return Tile(arm.name, (), None, f"{state}: {cell.cause}" if cell and cell.cause else state, baseline)
    pixels = views.pixels(arm, image)
    psnr, bits = views.values(arm, image).values()
    words = "identical" if psnr is None else f"{fixed(psnr, 2)} dB"
    words += f", {NONE}" if bits is None else f", {fixed(bits, 4)} bpp"
    if pixels is None:
        return Tile(arm.name, (words,), None, views.absent(arm, image), baseline)
    if bits is not None:
        words += f" ({round(bits * pixels[0].size / 8):,} bytes)"
    return Tile(arm.name, (words,), page_png(window.of(pixels)), "", baseline)
