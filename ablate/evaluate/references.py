"""JPEG and WebP on a set of images at given bits, measured by the protocol of the cells.

At matched bits means, image by image, the best quality whose file is no larger than the given one: real files, and
none of them dearer. A format that has no file so small for some image has no figure at those bits: a mean over the
other images would be another number.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ablate.atomic import read_json, write_json
from ablate.codecs.standard import STANDARD, StandardFormat
from ablate.config import RESULTS_VERSION, Evaluation, content_sha256
from ablate.data import Images
from ablate.sources.decode import VERSION as DECODER

VERSION = 1
"""Raised when the same images and bits give other anchors than before."""

Limits = Sequence[int] | None
"""The most bytes that the file of each image may have; None for the smallest files that there are."""


def anchors(
    images: Images,
    evaluation: Evaluation,
    wanted: Mapping[str, Limits],
    cache: Path,
    say: Callable[[str], None] = lambda _: None,
) -> dict[str, dict[str, dict[str, Any]]]:
    """Returns, for each wanted name and each standard codec by name, a record of its figures at those limits.

    A record holds psnr, ms_ssim, the set metrics of `evaluation` and bpp_actual, means over images and None where
    an image has no such file (`missing` names those); the lowest and highest `quality` taken; and `smallest`, the mean
    bits per pixel of the smallest files. What was measured once is read from `cache`; what is
    measured now is said before.
    """
    found: dict[str, dict[str, dict[str, Any]]] = {name: {} for name in wanted}
    for codec in STANDARD:
        path = cache / f"anchors-{codec.name.lower()}-{_identity(codec, images, evaluation)}.json"
        known: dict[str, Any] = read_json(path) or {}
        fresh = {key: limits for limits in wanted.values() if (key := _key(limits)) not in known}
        if fresh:
            from ablate.evaluate.reference_measurer import Measurer  # imports torch, which what is known needs not

            say(f"measuring {codec.label} on {len(images)} images, which is kept for other reports")
            measure = Measurer(codec, images, evaluation, cache)
            made = {key: measure.record(limits) for key, limits in fresh.items()}
            # Another process may have added others meanwhile.
            known = (read_json(path) or {}) | made
            write_json(path, known)
        for name, limits in wanted.items():
            found[name][codec.label] = known[_key(limits)]
    return found


def _key(limits: Limits) -> str:
    return "smallest" if limits is None else content_sha256(list(limits))[:16]


def _identity(codec: StandardFormat, images: Images, evaluation: Evaluation) -> str:
    """Returns a hash of all that an anchor depends on but its bits; an extractor's name stands for its weights."""
    settings = {
        "version": [VERSION, RESULTS_VERSION],
        "pictures": [images.digest, DECODER, list(images.names)],
        "codec": [codec.name, codec.version, codec.lowest, codec.highest, dict(codec.options)],
        "extractor": [evaluation.extractor, evaluation.tap],
        "patch": evaluation.patch,
    }
    return content_sha256(settings)[:16]
