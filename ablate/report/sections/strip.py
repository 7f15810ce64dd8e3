"""One crop of one image: the original, the best arms, the baseline, and JPEG at the baseline's bits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ablate.analysis import Winner
from ablate.codecs.standard import FORMATS
from ablate.report.crops import Window, compared, gallery, most_detailed, page_png
from ablate.report.document import Gallery, Tile
from ablate.report.evidence import Evidence
from ablate.report.numbers import fixed, joined
from ablate.report.sections.images import Views, chosen_images, tile_of

if TYPE_CHECKING:
    import numpy as np

SIDE = 192
BEST = 3
"""Arms at most that are shown for being best at something."""


def strip(evidence: Evidence, winners: Sequence[Winner]) -> Gallery | None:
    """Returns the image of median quality under the baseline.

    None where the originals can no longer be read, or the baseline reproduces every image exactly.
    """
    reference = evidence.reference
    if reference is None or "psnr" not in evidence.metrics:
        return None
    views = Views(evidence, reference, reference.done[0].seed)
    choice = chosen_images(views)
    if not choice:
        return None
    chosen = choice[0]
    try:
        original = evidence.originals[chosen.image]
    except (OSError, ValueError, KeyError):
        return None  # the section with all images says why
    # The best arms with what they are best at, then the baseline.
    titles: dict[str, list[str]] = {}
    for won in winners:
        titles.setdefault(won.arm, []).append(evidence.metrics[won.metric].label)
    named = {name: f"best {joined(labels)}" for name, labels in list(titles.items())[:BEST]}
    worst = _worst(evidence)
    if worst and worst not in named:
        named[worst] = f"worst {evidence.primary[0].label}"
    arms = {arm.name: arm for arm in evidence.study.arms if arm.name in {*named, reference.name}}
    window = most_detailed(original, SIDE)
    tiles = []
    for name in dict.fromkeys((*named, reference.name)):
        tile = tile_of(views, arms[name], chosen.image, window)
        tiles.append(replace(tile, lines=(named[name], *tile.lines)) if name in named else tile)
    bits = views.values(reference, chosen.image)["bpp_actual"]
    if bits is not None:
        tiles.append(_jpeg(original, window, bits))
    image = compared(chosen.image, chosen.rule, original, window, original, (), 0, tiles)
    return gallery([image], "Point at a crop to see the original in its place.", name="strip")


def _worst(evidence: Evidence) -> str | None:
    """Returns the arm that comes last on the first primary metric, so that what the best arms gain can be seen."""
    means = evidence.means(evidence.primary[0].name) if evidence.primary else {}
    return min(means, key=lambda name: evidence.primary[0].sign * means[name]) if means else None


def _jpeg(original: np.ndarray, window: Window, bits: float) -> Tile:
    """Returns the best JPEG file of an image that takes no more bits per pixel, or the smallest that there is."""
    import numpy as np
    import torch

    image, jpeg = torch.from_numpy(np.array(original, order="C")), FORMATS["jpeg"]
    pixels = original.shape[1] * original.shape[2]
    lowest, highest = jpeg.lowest, jpeg.highest
    # The size of a file grows with its quality.
    while lowest < highest:
        middle = (lowest + highest + 1) // 2
        fits = 8 * len(jpeg.at(middle).encode(image)) / pixels <= bits
        lowest, highest = (middle, highest) if fits else (lowest, middle - 1)
    file = jpeg.at(lowest).encode(image)
    taken = 8 * len(file) / pixels
    said = "at the baseline's bits" if taken <= bits else "its smallest file"
    decoded = jpeg.at(lowest).decode(file).numpy()
    return Tile("JPEG", (said, f"{fixed(taken, 4)} bpp"), page_png(window.of(decoded)))
