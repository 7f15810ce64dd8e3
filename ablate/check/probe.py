"""Probe of the metrics: their values for images and a codec that never change, so that a change of one shows."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ablate.check.finding import Objection, Reason

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ablate.data import Images

RELATIVE_TOLERANCE = 1e-4
"""How far a probe may move: float32 features move a distance by up to 3e-7 between instruction sets and by 2e-5 where
an extractor adds in another order; 255 for 256 moves PSNR by 2e-3."""


def measure(evaluation: Mapping[str, Any]) -> dict[str, float | None]:
    """Measures a block codec on drawn images by the protocol of an evaluation; metric -> value.

    Codec and images are integer arithmetic, so that nothing but the metrics and their protocol can move a value.

    Args:
        evaluation: the settings of that name of a cell, as plain data.
    """
    from ablate.check.block_codec import BlockCodec
    from ablate.config import Evaluation
    from ablate.evaluate.measure import measure as evaluate
    from ablate.metrics.catalogue import metrics
    from ablate.store import Entry

    settings: Evaluation = Evaluation.model_validate(evaluation)
    with tempfile.TemporaryDirectory() as scratch:
        there = Path(scratch)
        entry = Entry(there / "cell")
        found = evaluate({"ema": BlockCodec()}, settings, _images(), entry, cache=there, device="cpu")
    return {name: value for name, value in found.metrics["ema"].items() if name in set(metrics)}


def differing(was: Mapping[str, float | None], now: Mapping[str, float | None]) -> dict[str, Objection]:
    """Returns the metrics whose probes differ, each with what keeps it from being judged."""
    found = {}
    for name in was.keys() & now.keys():
        before, after = was[name], now[name]
        if before is None or after is None:
            same = before is after
        else:
            same = abs(after - before) <= RELATIVE_TOLERANCE * max(abs(before), abs(after))
        if not same:
            said = f"the metric itself changed: {_text(before)} became {_text(after)} on the same drawn images"
            found[name] = Objection(Reason.other_metric, said)
    return found


def _text(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.7g}"


def _images() -> Images:
    import numpy as np

    from ablate.data import Images

    drawn = [_drawn(192, 200, 3), _drawn(184, 208, 5)]
    offsets = (0, drawn[0].size)
    pixels = np.concatenate([each.ravel() for each in drawn])
    shapes = tuple((each.shape[1], each.shape[2]) for each in drawn)
    return Images(("drawn-3", "drawn-5"), "drawn", (), shapes, offsets, pixels)


def _drawn(height: int, width: int, pitch: int) -> NDArray[np.uint8]:
    """Draws slopes, stripes and a texture in whole numbers: uint8 (3, height, width)."""
    import numpy as np

    y, x = np.mgrid[:height, :width]
    slope = (x * 150) // width + (y * 60) // height
    stripes = np.abs((x * pitch + y) % 64 - 32)
    texture = (x * x * pitch + y * y * 7 + x * y) % 17
    planes = [(slope + stripes + texture + 20 * channel) % 256 for channel in range(3)]
    return np.stack(planes).astype(np.uint8)
