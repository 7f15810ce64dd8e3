"""Names of the distances between sets of patches: by their extractor, and by the tap that it is looked at."""

from __future__ import annotations

FROM_PAPERS = {("inception", 2048): "fid", ("inception", 2023): "sfid"}
"""Names of the Fréchet distances that papers report, by extractor and tap."""


def distance_name(extractor: str, tap: int) -> str:
    """Returns the name of the Fréchet distance; only those that papers call so are FID and sFID."""
    return FROM_PAPERS.get((extractor, tap), f"fd_{extractor}_{tap}")


def kernel_name(extractor: str, tap: int) -> str:
    """Returns the name of the kernel distance of paired patches."""
    return "kid_paired" if (extractor, tap) == ("inception", 2048) else f"kid_paired_{extractor}_{tap}"
