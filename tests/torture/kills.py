"""A runner, its fork server or a worker killed at random moments, and run again: see tests/execute/killed_at_random."""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Iterator

from tests.execute import killed_at_random
from tests.torture.tally import Tally


def rounds(count: int, seed: int) -> Iterator[Tally]:
    """Kills `count` times, and yields what came of all of them together."""
    printed, tally = io.StringIO(), Tally()
    with contextlib.redirect_stdout(printed):
        code = killed_at_random.main(["--kills", str(count), "--seed", str(seed)])
    for victim in re.findall(r"^kill \d+: (.*?) after", printed.getvalue(), re.MULTILINE):
        tally.count(f"{victim} killed", "the same bits" if code == 0 else "in a run that came to others")
    if code:
        tally.fault("kills", printed.getvalue()[-3000:])
    yield tally
