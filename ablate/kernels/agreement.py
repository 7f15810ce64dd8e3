"""Agreement of a backend's result with float64."""

from __future__ import annotations

import math
from collections.abc import Sequence

from torch import Tensor

from ablate.kernels.backend import Gradients, Tolerance


def disagreement(found: Gradients, expected: Gradients, tolerance: Tolerance) -> str | None:
    """Returns in a sentence where a result lies too far from the expected one, or None where it does not.

    Where the expected loss or gradient is not finite, the found one must be so too. Of a loss that is not finite the
    gradient may be finite in fewer places than expected: how far NaN spreads is no part of a definition.
    """
    value, reference = float(found.value), float(expected.value)
    if not _same_class(value, reference) or abs(value - reference) > tolerance.value * abs(reference) + tolerance.floor:
        return f"the loss is {value:.9g}, not {reference:.9g}"
    for side in ("image", "reconstruction"):
        ours: Sequence[Tensor] = getattr(found, side)
        theirs: Sequence[Tensor] = getattr(expected, side)
        if len(ours) != len(theirs):
            return f"there are {len(ours)} gradients of the {side}, not {len(theirs)}"
        for index, (mine, other) in enumerate(zip(ours, theirs, strict=True)):
            if (problem := _gradient(mine, other, tolerance)) is not None:
                return f"gradient {index} of the {side} {problem}"
    return None


def _gradient(found: Tensor, expected: Tensor, tolerance: Tolerance) -> str | None:
    if found.shape != expected.shape:
        return f"has the shape {tuple(found.shape)}, not {tuple(expected.shape)}"
    found, expected = found.double().cpu(), expected.double().cpu()
    finite = expected.isfinite()
    hidden = found.isfinite() & ~finite
    if bool(hidden.any()) or (bool(finite.all()) and not bool(found.isfinite().all())):
        return f"is finite in {int(found.isfinite().sum())} places, not in {int(finite.sum())} of {finite.numel()}"
    if not bool(finite.all()):
        return None
    distance, size = float((found - expected).norm()), float(expected.norm())
    if distance <= tolerance.gradient * size + tolerance.gradient_floor:
        return None
    return f"is off by {distance / size:.2g} of its norm, above {tolerance.gradient:.2g}" if size else "is not zero"


def _same_class(found: float, expected: float) -> bool:
    return math.isnan(found) == math.isnan(expected) and math.isinf(found) == math.isinf(expected)
