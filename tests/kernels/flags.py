"""Kernels in C compiled otherwise than here, for a while."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from ablate.kernels import library as native


@contextmanager
def compiled_with(*flags: str) -> Iterator[None]:
    """Has what is loaded meanwhile compiled with further flags, and kept apart by them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(native, "FLAGS", (*native.FLAGS, *flags))
        native.library.cache_clear()
        try:
            yield
        finally:
            native.library.cache_clear()
