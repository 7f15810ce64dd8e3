"""How many bytes this process may still allocate."""

from __future__ import annotations

import os
import resource
import sys
from collections.abc import Iterator
from pathlib import Path

from ablate.control_groups import CONTROL_GROUPS, MEMBERSHIP, group_directories

MEMINFO = Path("/proc/meminfo")
OWN_PAGES = Path("/proc/self/statm")


def available(meminfo: Path = MEMINFO, groups: Path = CONTROL_GROUPS, membership: Path = MEMBERSHIP) -> int:
    """Returns the bytes that can be allocated without swapping: what machine, control groups and `ulimit -v` leave."""
    directories = group_directories("memory", groups, membership)
    return min([_machine(meminfo), _addresses(), *(left for directory in directories for left in _left(directory))])


def _machine(meminfo: Path) -> int:
    try:
        lines = meminfo.read_text().splitlines()
    except FileNotFoundError:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    kibibytes = next(int(line.split()[1]) for line in lines if line.startswith("MemAvailable:"))
    return kibibytes * 1024


def _addresses() -> int:
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit == resource.RLIM_INFINITY or not OWN_PAGES.exists():
        return sys.maxsize
    return max(0, limit - int(OWN_PAGES.read_text().split()[0]) * resource.getpagesize())


def _left(directory: Path) -> Iterator[int]:
    """Yields what one group leaves, where it limits; version 1 has other names for the same files."""
    names = ("memory.max", "memory.current", "inactive_file")
    if not (directory / names[0]).exists():
        names = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
    try:
        limit, used = ((directory / name).read_text().strip() for name in names[:2])
        counted = dict(line.split() for line in (directory / "memory.stat").read_text().splitlines())
    except (OSError, ValueError):
        return
    if limit != "max":
        # Cached pages of files that nobody reads are given back when memory is short.
        yield max(0, int(limit) - int(used) + int(counted.get(names[2], 0)))
