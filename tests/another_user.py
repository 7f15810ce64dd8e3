"""Another user, who may not do what the modes of files forbid: root may do everything."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

NOBODY = 65534


@contextmanager
def as_another_user() -> Iterator[None]:
    """Is another user for the block, where this one is root; import beforehand what the block needs."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)
