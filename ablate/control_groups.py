"""Files in which the control groups of this process say what it may use: a container's limits, not its host's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

CONTROL_GROUPS = Path("/sys/fs/cgroup")
MEMBERSHIP = Path("/proc/self/cgroup")


def group_directories(controller: str, groups: Path = CONTROL_GROUPS, membership: Path = MEMBERSHIP) -> Iterator[Path]:
    """Yields the directories of the groups that limit this process, from its own up to the root.

    Inside a container the path may be the host's; then it is the root that holds the container's own limit.
    """
    try:
        lines = membership.read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers and controller not in controllers.split(","):
            continue
        # Version 2 has one tree without a name, version 1 one of each controller.
        root = groups / controllers
        inside = root / path.strip("/")
        yield from (each for each in (inside, *inside.parents) if each.is_relative_to(root))
