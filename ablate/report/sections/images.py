"""Reconstructions beside the original: images and windows chosen by rule, the same for every arm."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ablate.analysis import Arm
from ablate.analysis.selection import Chosen, choose_arms, choose_images
from ablate.records import WEIGHTS
from ablate.report.crops import (
    ERROR_REACH,
    ERROR_STOPS,
    Window,
    crop_side,
    most_detailed,
    read_image,
    to_png,
    to_thumbnail,
)
from ablate.report.document import Block, ComparedImage, Gallery, Section, Tile, text
from ablate.report.evidence import Evidence
from ablate.report.numbers import NONE, fixed, joined, plural

if TYPE_CHECKING:
    import numpy as np

ARMS = 32
"""Arms shown beside each other at most."""

BUDGET = 5_000_000
"""Bytes that all crops may take in the page, at the most."""

WHOLE_WIDTH = 300


def images(evidence: Evidence) -> Section:
    """Returns every arm of the first seed at the same windows of up to three images."""
    reference = evidence.reference
    title, short = "Reconstructions", "Images"
    if reference is None:
        said = text("No cell has finished, so there is no reconstruction to show.")
        return Section("images", title, (said,), {"images": []}, short)
    seed = reference.done[0].seed
    chosen = _chosen(evidence, reference, seed)
    arms, rule = _arms(evidence, seed)
    originals, missing = _originals(evidence, reference, chosen)
    side = crop_side(len(chosen) * (len(arms) + 1), BUDGET)
    drawn = {each.image: _image(evidence, each, arms, seed, originals.get(each.image), side) for each in chosen}
    shown = [each for each in drawn.values() if each]
    blocks: list[Block] = [text(_how(evidence, reference, seed, rule))]
    if missing:
        blocks.append(text(missing, kind="warning"))
    if len(shown) < len(chosen):
        gone = joined([image for image, each in drawn.items() if not each])
        blocks.append(
            text(f"Neither the original nor the baseline's PNG is there any more for {gone}.", kind="warning")
        )
    if shown:
        blocks.append(Gallery("images", tuple(each for each, _ in shown), _caption(side), ERROR_STOPS, ERROR_REACH))
    numbers = {"seed": seed, "rule": rule, "images": [each for _, each in shown]}
    return Section("images", title, tuple(blocks), numbers, short)


def _chosen(evidence: Evidence, reference: Arm, seed: int) -> tuple[Chosen, ...]:
    """Returns the images to show; what stands in for a baseline that has not finished goes by its own name."""
    called = "the baseline arm" if reference is evidence.study.baseline else reference.name
    chosen = choose_images(evidence.per_image, reference.name, seed, evidence.measures["psnr"].label, called)
    # One arm alone differs from none.
    return chosen if len(evidence.finished) > 1 else chosen[:2]


def _how(evidence: Evidence, reference: Arm, seed: int, rule: str) -> str:
    differ = ", and the one on which arms differ most" if len(evidence.finished) > 1 else ""
    return (
        f"Chosen by rule, not by hand: the images of median and of worst PSNR under {reference.name}{differ}. {rule} "
        f"All are of seed {seed}, averaged weights."
    )


def _caption(side: int) -> str:
    return (
        f"Each crop is the {side} px window with the most detail in the original, pixel for pixel and without loss. "
        "Point at a crop, or focus it and press the space bar, to see the original in its place; the slider draws "
        "the original over all crops from the left, and Flicker alternates them. Errors are the mean absolute "
        "difference to the original over the three channels."
    )


def _arms(evidence: Evidence, seed: int) -> tuple[list[Arm], str]:
    """Returns the arms to show and the rule in words."""
    study = evidence.study
    planned = [arm for arm in study.arms if arm.of_seed(seed)]
    if len(planned) <= ARMS:
        return planned, "Every arm is shown."
    always = [evidence.reference.name] if evidence.reference else []
    for measure in evidence.primary:
        means = {arm.name: sum(v.values()) / len(v) for arm in evidence.finished if (v := arm.scores(measure.name))}
        if means:
            always += [max(means, key=lambda n: means[n]), min(means, key=lambda n: means[n])]
    values = {arm.name: value for arm in planned if (value := arm.scores("psnr").get(seed)) is not None}
    kept = choose_arms(values, tuple(always), ARMS)
    labels = joined([measure.label for measure in evidence.primary])
    rule = (
        f"{len(kept)} of {plural(len(planned), 'arm')} are shown: the baseline, the best and the worst on {labels}, "
        "and others at even distances in the ranking by PSNR."
    )
    return [arm for arm in planned if arm.name in kept], rule


def _originals(evidence: Evidence, reference: Arm, chosen: Sequence[Chosen]) -> tuple[dict[str, np.ndarray], str]:
    """Returns the test images by name, and why there are none where they can no longer be read."""
    from ablate.config import Data
    from ablate.data import prepare

    try:
        data = Data.model_validate(reference.cells[0].config["data"])
        loaded = prepare(data, "test", evidence.store.data_cache)
    except (OSError, ValueError) as error:
        return {}, f"The original images could not be read, so crops stand alone: {error}"
    wanted = {each.image for each in chosen}
    return {name: loaded[index] for index, name in enumerate(loaded.names) if name in wanted}, ""


def _image(
    evidence: Evidence, chosen: Chosen, arms: Sequence[Arm], seed: int, original: np.ndarray | None, side: int
) -> tuple[ComparedImage, dict[str, Any]] | None:
    """Returns an image and its numbers, None where nothing is left to choose a window in."""
    assert evidence.reference is not None
    first = _reconstruction(evidence, evidence.reference, seed, chosen.image)
    image = original if original is not None else first
    if image is None:
        return None
    window = most_detailed(image, side)
    tiles = [_tile(evidence, arm, seed, chosen.image, window) for arm in arms]
    height, width = image.shape[1:]
    box = (window.left / width, window.top / height, window.width / width, window.height / height)
    own = Tile("original", ("8 bit a channel, 24 bpp",), to_png(window.of(original)) if original is not None else None,
               "the original could not be read")  # fmt: skip
    shown = ComparedImage(
        chosen.image,
        chosen.rule,
        box,
        (window.width, window.height),
        _whole(evidence, chosen, seed, original),
        own,
        tuple(tiles),
    )
    numbers = {
        "image": chosen.image, "rule": chosen.rule,
        "window": {"left": window.left, "top": window.top, "width": window.width, "height": window.height},
        "arms": [{"arm": arm.name, **_values(evidence, arm, seed, chosen.image)} for arm in arms],
    }  # fmt: skip
    return shown, numbers


def _whole(evidence: Evidence, chosen: Chosen, seed: int, original: np.ndarray | None) -> tuple[Tile, ...]:
    """Returns the whole image, as the baseline gives it, and as the arm with the best PSNR on it does."""
    row = evidence.per_image.seeds.index(seed)
    column = evidence.per_image.images.index(chosen.image)
    psnr = {name: values[row, column] for name, values in evidence.per_image.values.items()}
    psnr = {name: value for name, value in psnr.items() if value == value}
    best = max(psnr, key=lambda name: psnr[name])
    assert evidence.reference is not None
    title = "baseline" if evidence.reference is evidence.study.baseline else "first finished arm"
    views = {evidence.reference.name: title}
    views[best] = f"{title} and highest PSNR" if best in views else "highest PSNR"
    tiles = []
    if original is not None:
        tiles.append(Tile("original", ("whole image, scaled to fit",), to_thumbnail(original, WHOLE_WIDTH)))
    for name, title in views.items():
        arm = next(arm for arm in evidence.study.arms if arm.name == name)
        pixels = _reconstruction(evidence, arm, seed, chosen.image)
        if pixels is not None:
            tiles.append(Tile(name, (title, f"{fixed(float(psnr[name]), 2)} dB"), to_thumbnail(pixels, WHOLE_WIDTH)))
    return tuple(tiles)


def _tile(evidence: Evidence, arm: Arm, seed: int, image: str, window: Window) -> Tile:
    baseline = evidence.study.baseline is not None and arm.name == evidence.study.baseline.name
    cell = arm.of_seed(seed)
    if cell is None or cell.status != "done":
        state = "not planned" if cell is None else cell.status
        return Tile(arm.name, (), None, f"{state}: {cell.cause}" if cell and cell.cause else state, baseline)
    pixels = _reconstruction(evidence, arm, seed, image)
    values = _values(evidence, arm, seed, image)
    psnr = "identical" if values["psnr"] is None else f"{fixed(values['psnr'], 2)} dB"
    rate = NONE if values["bpp_actual"] is None else f"{fixed(values['bpp_actual'], 4)} bpp"
    if pixels is not None and values["bpp_actual"] is not None:
        rate += f" ({round(values['bpp_actual'] * pixels[0].size / 8):,} bytes)"
    if pixels is None:
        return Tile(arm.name, (f"{psnr}, {rate}",), None, "its PNG is no longer in the store", baseline)
    return Tile(arm.name, (f"{psnr}, {rate}",), to_png(window.of(pixels)), "", baseline)


def _values(evidence: Evidence, arm: Arm, seed: int, image: str) -> dict[str, float | None]:
    row = evidence.per_image.seeds.index(seed)
    result: dict[str, float | None] = {}
    for name, scores in (("psnr", evidence.per_image), ("bpp_actual", evidence.rate_per_image)):
        value = float(scores.values[arm.name][row, scores.images.index(image)])
        result[name] = value if value == value else None
    return result


def _reconstruction(evidence: Evidence, arm: Arm, seed: int, image: str) -> np.ndarray | None:
    cell = arm.of_seed(seed)
    if cell is None or cell.status != "done":
        return None
    file = evidence.store.cell(cell.id).recon(WEIGHTS[0], image)
    return read_image(str(file)) if file.exists() else None
