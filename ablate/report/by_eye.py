"""The page on which people say which of two reconstructions is closer to the original, without knowing whose they are.

It asks nothing of any network. The browser keeps each answer at once, and a button saves all of them to a file, which
`ablate report` reads. Order and sides are drawn in the page from a seed, anew for each person.
"""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ablate.report.crops import crop_side, most_detailed, page_png
from ablate.report.evidence import Evidence
from ablate.report.html import page
from ablate.report.sections.images import Views, shown_arms

if TYPE_CHECKING:
    import numpy as np

    from ablate.analysis import Arm

ARMS = 6
IMAGES = 12
"""Images at most, and so many views of them where they are fewer and seeds are more."""
MATCH = 0.05
"""Files of a pair differ by this share of the smaller at most: else the one with more bits would win by them."""
BUDGET = 12_000_000
"""Bytes that all crops may take in the page."""


@dataclass(frozen=True)
class Pair:
    """Two cells whose reconstructions of an image are compared."""

    image: str
    first: str
    second: str


@dataclass(frozen=True)
class Trials:
    """What the page shows: pairs, the crops of each cell and of the original, and what was left out for its bits."""

    pairs: tuple[Pair, ...]
    crops: dict[str, str]
    """original/IMAGE or CELL/IMAGE -> a PNG as data URI."""
    unmatched: int


def by_eye_page(evidence: Evidence) -> str:
    """Returns the page.

    Raises:
        ValueError: where no two arms can be compared, or originals can no longer be read.
    """
    from markupsafe import Markup

    trials = find_trials(evidence)
    pairs = [[pair.image, pair.first, pair.second] for pair in trials.pairs]
    told = json.dumps([evidence.study.name, pairs], sort_keys=True)
    digest = hashlib.sha256(told.encode()).hexdigest()
    data: dict[str, Any] = {
        "grid": evidence.study.name, "page": digest[:16], "seed": int(digest[:8], 16), "pairs": pairs,
        "crops": trials.crops,
    }  # fmt: skip
    return page("by_eye.html", title=evidence.study.name, data=Markup(json.dumps(data).replace("<", "\\u003c")))


def find_trials(evidence: Evidence) -> Trials:
    """Returns every pair of the arms that are shown, on every image, the seeds in turn.

    Raises:
        ValueError: as `by_eye_page` does.
    """
    reference = evidence.reference
    if reference is None or len(evidence.finished) < 2:
        raise ValueError("two arms with a finished cell are needed to compare them by eye")
    arms, _ = shown_arms(evidence, reference.done[0].seed, ARMS)
    arms = [arm for arm in arms if arm.done]
    seeds = [seed for seed in evidence.study.seeds if all(_done(arm, seed) for arm in arms)]
    if not seeds:
        raise ValueError(f"no seed has finished in all of {', '.join(arm.name for arm in arms)}")
    # Images are taken at even distances where there are many.
    names = list(evidence.per_image.images)
    names = [names[place * len(names) // IMAGES] for place in range(IMAGES)] if len(names) > IMAGES else names
    # Where they are few, each comes by several seeds.
    rounds = min(len(seeds), max(1, IMAGES // max(len(names), 1)))
    shown = [(name, seeds[(place + turn) % len(seeds)]) for turn in range(rounds) for place, name in enumerate(names)]
    originals = evidence.originals
    side = crop_side(len(shown) * (len(arms) + 1), BUDGET)
    pairs: list[Pair] = []
    crops: dict[str, str] = {}
    unmatched = 0
    for image, seed in shown:
        views = Views(evidence, reference, seed)
        matched, left_out = _pairs(views, arms, image)
        unmatched += left_out
        pairs += matched
        crops |= _crops(views, arms, image, originals[image], side, matched)
    if not pairs:
        raise ValueError(f"no two arms have files of an image that differ by {100 * MATCH:g} % at most")
    return Trials(tuple(pairs), crops, unmatched)


def _done(arm: Arm, seed: int) -> bool:
    return any(cell.seed == seed for cell in arm.done)


def _pairs(views: Views, arms: Sequence[Arm], image: str) -> tuple[list[Pair], int]:
    """Returns the pairs of an image whose files are alike in size, and how many are not."""
    found, unmatched = [], 0
    for first, second in itertools.combinations(arms, 2):
        bits = [views.value(views.evidence.rate_per_image, arm, image) for arm in (first, second)]
        cells = [arm.of_seed(views.seed) for arm in (first, second)]
        if None in bits or None in cells:
            continue
        low, high = sorted(each for each in bits if each is not None)
        if high > (1 + MATCH) * low:
            unmatched += 1
        else:
            own, other = (cell.id for cell in cells if cell is not None)
            found.append(Pair(image, own, other))
    return found, unmatched


def _crops(
    views: Views, arms: Sequence[Arm], image: str, original: np.ndarray, side: int, pairs: Sequence[Pair]
) -> dict[str, str]:
    """Returns the crops of an image that its pairs need.

    Raises:
        ValueError: where a reconstruction is gone.
    """
    window, shown = most_detailed(original, side), {cell for pair in pairs for cell in (pair.first, pair.second)}
    crops = {f"original/{image}": _uri(window.of(original))} if pairs else {}
    for arm in arms:
        cell = arm.of_seed(views.seed)
        if cell is None or cell.id not in shown:
            continue
        pixels = views.pixels(arm, image)
        if pixels is None:
            raise ValueError(f"{cell.label}, {image}: {views.absent(arm, image)}")
        crops[f"{cell.id}/{image}"] = _uri(window.of(pixels))
    return crops


def _uri(pixels: np.ndarray) -> str:
    return "data:image/png;base64," + base64.b64encode(page_png(pixels)).decode()
