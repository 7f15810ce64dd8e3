"""How many processor cores this process may keep busy."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path

from ablate.control_groups import CONTROL_GROUPS, MEMBERSHIP, group_directories


def cores() -> int:
    """Returns the cores that the process may run on, or fewer where its control group grants less time on them.

    A container with `--cpus 2` sees all 64 cores of its host, and 64 workers would take turns on the time of two.
    """
    # Only Linux says which cores a process may run on.
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    granted = quota()
    return allowed if granted is None else max(1, min(allowed, math.ceil(granted)))


def quota(groups: Path = CONTROL_GROUPS, membership: Path = MEMBERSHIP) -> float | None:
    """Returns how many cores' time the control group of this process grants, None for no limit or no such groups.

    The tightest limit on the way up to the root holds.
    """
    directories = group_directories("cpu", groups, membership)
    return min((each for directory in directories for each in _limit(directory)), default=None)


def _limit(directory: Path) -> Iterator[float]:
    """Yields the cores that one group grants: cpu.max in version 2, a quota of -1 for none in version 1."""
    try:
        if (directory / "cpu.max").exists():
            granted, period = (directory / "cpu.max").read_text().split()
        else:
            granted, period = ((directory / f"cpu.cfs_{name}_us").read_text() for name in ("quota", "period"))
    except (OSError, ValueError):
        return
    if granted != "max" and float(granted) > 0:
        yield float(granted) / float(period)
