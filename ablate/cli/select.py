"""Cells that a command is about: by expressions over labels, `hinge and not seed=0`, and by shards, `2/8`."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ablate.execute import Plan
    from ablate.execute.jobs import Wanted


def chosen_cells(plan: Plan, select: str | None = None, shard: str | None = None) -> Wanted:
    """Returns a test of cells: those whose label matches and that are in the shard; all where nothing is given.

    Raises:
        ValueError: for an expression that cannot be read or matches no cell, and for what is no shard.
    """
    from ablate.execute.shard import Shard

    matches = selection(select, {point.label for point in plan.points})
    if not any(matches(point.label) for point in plan.points):
        raise ValueError(f"--select {select!r} matches no label, such as {plan.points[0].label!r}")
    part = Shard.read(shard) if shard else Shard(1, 1)
    return lambda cell: cell.id in part and matches(cell.label)


def selection(expression: str | None, labels: Collection[str] = ()) -> Callable[[str], bool]:
    """Returns a test of labels: parts joined by `or`, in each of them terms joined by `and`, a term or `not` a term.

    A term matches whole words of a label, so that `scales=1` is not `scales=16`; `*` stands for anything in a word.
    An expression that is one of `labels` as a whole means that one alone.

    Raises:
        ValueError: for an expression with a term missing.
    """
    if expression is None:
        return lambda _label: True
    if expression in labels:
        return lambda label: label == expression
    parts = [_split("and", part) for part in _split("or", expression)]
    tests = [[_term(term, expression) for term in part] for part in parts]
    return lambda label: any(all(test(label) for test in part) for part in tests)


def _split(word: str, text: str) -> list[str]:
    return re.split(rf"(?:^|(?<=\s)){word}(?=\s|$)", text)


def _term(text: str, expression: str) -> Callable[[str], bool]:
    negated = re.match(r"\s*not\s+", text)
    term = (text[negated.end() :] if negated else text).strip()
    if not term or term in ("and", "or", "not"):
        raise ValueError(f"cannot read --select {expression!r}: a term is missing (an example: hinge and seed=0)")
    pattern = re.compile(r"(?<![^\s=])" + re.escape(term).replace(r"\*", r"\S*") + r"(?![^\s=])")
    return lambda label: bool(pattern.search(label)) != (negated is not None)
