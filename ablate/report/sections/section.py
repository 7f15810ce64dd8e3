"""Registration of a function as a section of the report, by its name in links and its title."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ablate.report.document import Block, Section
from ablate.report.evidence import Evidence

Content = tuple[Iterable[Block], Mapping[str, Any]]
"""The blocks in their order, and everything in them that a program might read."""


def section(
    name: str, title: str, short: str = "", summary: str = ""
) -> Callable[[Callable[[Evidence], Content]], Callable[[Evidence], Section]]:
    """Turns a function that returns blocks and numbers into one that returns a section; without blocks none is shown.

    Args:
        name: of the section in links and in report.json.
        title: its heading.
        short: what the navigation calls it, where the heading is too long.
        summary: the line beside its heading where it is folded; one without is open.
    """

    def decorate(content: Callable[[Evidence], Content]) -> Callable[[Evidence], Section]:
        @functools.wraps(content)
        def written(evidence: Evidence) -> Section:
            blocks, numbers = content(evidence)
            return Section(name, title, tuple(blocks), numbers, short, summary)

        return written

    return decorate
