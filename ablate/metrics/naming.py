"""Names of figures: distances by extractor and tap, and any metric with the set of images that it was measured on."""

from __future__ import annotations

FROM_PAPERS = {("inception", 2048): "fid", ("inception", 2023): "sfid"}
"""Names of the Fréchet distances that papers report, by extractor and tap."""

TEST = "test"
"""The set of images whose figures have the plain name of their metric."""


VALIDATION = "validation"
"""The set of images that choices are made on, and no claim is."""


KEPT = "kept"
"""Stands for a set in the names of figures of the kept region of the test images."""


def distance_name(extractor: str, tap: int) -> str:
    """Returns the name of the Fréchet distance; only those that papers call so are FID and sFID."""
    return FROM_PAPERS.get((extractor, tap), f"fd_{extractor}_{tap}")


def kernel_name(extractor: str, tap: int) -> str:
    """Returns the name of the kernel distance of paired patches."""
    return "kid_paired" if (extractor, tap) == ("inception", 2048) else f"kid_paired_{extractor}_{tap}"


def on_set(metric: str, images: str) -> str:
    """Returns the name of a metric's figure on a set of images: `psnr@kodak`, and the plain name on the test images."""
    return metric if images == TEST else f"{metric}@{images}"


def split_name(name: str) -> tuple[str, str]:
    """Returns the metric and the set of images that the name of a figure holds."""
    metric, _, images = name.partition("@")
    return metric, images or TEST


INFINITY = "_infinity"
"""Ends the name of what a distance tends to for ever more patches."""


def infinity_of(distance: str) -> str:
    """Returns the name of what a distance tends to for ever more patches, on the same images."""
    metric, images = split_name(distance)
    return on_set(metric + INFINITY, images)


RATE = "bpp_actual"
"""Bits per pixel of the files that were written."""


def rate_of(metric: str) -> str:
    """Returns the name of the bits that go with a figure: those of the files of the same images."""
    return on_set(RATE, split_name(metric)[1])


def group_column(metric: str) -> str:
    """Returns the column of a jackknife's table with the groups of images of one distance alone."""
    return f"group {metric}"
