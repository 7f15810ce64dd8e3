"""Commands that follow a grid that runs, until it is over or Ctrl-C."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ablate.execute.snapshot import Snapshot

TURN_SECONDS = 2.0
"""Between two looks; longer where looking takes long."""
BUSY_SHARE = 0.1
"""Of the time at the most, that looking may take."""


def follow(turn: Callable[[], bool], seconds: float = TURN_SECONDS) -> None:
    """Calls `turn` again and again until it says that all is over, or Ctrl-C."""
    with contextlib.suppress(KeyboardInterrupt):
        while True:
            began = time.monotonic()
            if turn():
                return
            time.sleep(max(seconds, (time.monotonic() - began) / BUSY_SHARE))


@contextmanager
def shown_live() -> Iterator[Callable[[Snapshot], None]]:
    """Gives what shows how far a grid is: redrawn in place in a terminal, else a line whenever something changed."""
    from ablate.cli.process import unescaped
    from ablate.cli.progress import draw, in_place, line

    if not in_place():
        told: list[str] = []

        def tell(seen: Snapshot) -> None:
            said = line(seen)
            if said not in told[-1:]:
                print(f"{time.strftime('%H:%M:%S')}  {said}", flush=True)  # noqa: T201
                told.append(said)

        yield tell
        return
    from rich.console import Console
    from rich.live import Live

    with Live(console=Console(file=unescaped(sys.stdout), highlight=False), auto_refresh=False) as table:
        yield lambda seen: table.update(draw(seen), refresh=True)
