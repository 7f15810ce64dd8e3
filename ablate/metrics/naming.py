"""Names of the distances between sets of patches: by their extractor, and by the tap that it is looked at."""

from __future__ import annotations


def distance_name(extractor: str, tap: int) -> str:
    """Returns the name of the Fréchet distance; only that of Inception's last layer is FID."""
    return "fid" if extractor == "inception" else f"fd_{extractor}_{tap}"


def kernel_name(extractor: str, tap: int) -> str:
    """Returns the name of the kernel distance of paired patches."""
    return "kid_paired" if extractor == "inception" else f"kid_paired_{extractor}_{tap}"
