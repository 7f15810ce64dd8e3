"""How many processor cores this process may keep busy."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path

CONTROL_GROUPS = Path("/sys/fs/cgroup")
MEMBERSHIP = Path("/proc/self/cgroup")


def cores() -> int:
    """Returns the cores that the process may run on, or fewer where its control group grants less time on them.

    A container with `--cpus 2` sees all 64 cores of its host, and 64 workers would take turns on the time of two.
    """
    allowed = len(os.sched_getaffinity(0))
    granted = quota()
    return allowed if granted is None else max(1, min(allowed, math.ceil(granted)))


def quota(groups: Path = CONTROL_GROUPS, membership: Path = MEMBERSHIP) -> float | None:
    """Returns how many cores' time the control group of this process grants, None for no limit or no such groups.

    The tightest limit on the way up to the root holds. Inside a container the path may be the host's; then it is the
    root that holds the container's own limit.
    """
    return min((each for directory in _directories(groups, membership) for each in _limit(directory)), default=None)


def _directories(groups: Path, membership: Path) -> Iterator[Path]:
    try:
        lines = membership.read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers and "cpu" not in controllers.split(","):
            continue
        # Version 2 has one tree without a name, version 1 one of each controller.
        root = groups / controllers
        inside = root / path.strip("/")
        yield from (each for each in (inside, *inside.parents) if each.is_relative_to(root))


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
