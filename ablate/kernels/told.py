"""What a caller is told where a loss cannot be computed as fast as elsewhere."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Sequence


def told(name: str, backend: str | None, reasons: Sequence[str]) -> None:
    """Warns once in a process that a loss is computed by its definition, or by a slower backend, and why."""
    if reasons:
        instead = f"by {backend}" if backend else "by its definition"
        _warn(f"{name} is computed {instead}, which is slower than it could be: {'; '.join(reasons)}")


@functools.cache
def _warn(sentence: str) -> None:
    warnings.warn(sentence, RuntimeWarning, stacklevel=2)
