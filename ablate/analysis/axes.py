"""Axes of a grid: the levels on each, and their names in figures and tables."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ablate.grid.labels import short_names
from ablate.records import AxisNames


@dataclass(frozen=True)
class Axis:
    """One thing that the grid varies, a dotted key or several that change together, with its levels as text."""

    keys: tuple[str, ...]
    name: str
    levels: tuple[str, ...]
    baseline: str
    numbers: tuple[float, ...] | None = None
    called: Mapping[str, str] = field(default_factory=dict, hash=False)
    """What the grid file calls levels, by the text of their values."""

    def level(self, axes: Mapping[str, Any]) -> str | None:
        """Returns where a point lies on this axis, None where it does not lie on it."""
        text = _level(self.keys, axes, self.called) if all(key in axes for key in self.keys) else None
        return text if text in self.levels else None


def find_axes(
    planned: Mapping[str, Sequence[Any]],
    points: Sequence[Mapping[str, Any]],
    declared: Mapping[str, Any],
    names: Sequence[AxisNames] = (),
) -> tuple[Axis, ...]:
    """Returns the axes that vary over `points`; keys that only ever change together are one axis.

    The baseline of an axis is its declared level, and the first one of the grid file where none is declared. Axes and
    levels are called as the grid file calls them, by `names`, or else by their keys and values.
    """
    given = {each.keys: each for each in names}
    points = [point for point in points if set(point) == set(planned)]
    first = {key: values[0] for key, values in planned.items() if values}
    varied = [key for key in planned if len({value_text(point[key]) for point in points}) > 1]
    short, axes = short_names(varied), []
    while varied:
        keys = (varied[0], *(other for other in varied[1:] if _one_to_one(points, varied[0], other)))
        varied = [other for other in varied if other not in keys]
        known = given.get(keys)
        called = {_joined(each.values): each.label for each in known.levels} if known else {}
        levels = {_level(keys, point, called): point[keys[0]] for point in points}
        if len(levels) < 2:
            continue
        numbers = None
        if len(keys) == 1 and all(is_number(value) for value in levels.values()):
            levels = dict(sorted(levels.items(), key=lambda item: item[1]))
            numbers = tuple(float(value) for value in levels.values())
        wanted = _level(keys, {**first, **declared}, called)
        baseline = wanted if wanted in levels else next(iter(levels))
        name = (known.label if known else "") or " + ".join(short[key] for key in keys)
        axes.append(Axis(keys, name, tuple(levels), baseline, numbers, called))
    return tuple(axes)


def value_text(value: Any) -> str:
    """Writes a setting the way a reader names it: 12 for 12.0, a term as name(option=value).

    Different numbers have different texts, by which cells are told apart.
    """
    if isinstance(value, bool):
        return str(value).lower()
    if is_number(value):
        short = f"{value:.6g}"
        return short if float(short) == value or not math.isfinite(value) else f"{value!r}".removesuffix(".0")
    if isinstance(value, Mapping):
        options = value.get("options", {key: part for key, part in value.items() if key != "name"})
        inside = ", ".join(f"{key}={value_text(part)}" for key, part in options.items())
        return f"{value.get('name', '')}({inside})" if inside else str(value.get("name", "{}"))
    if isinstance(value, list | tuple):
        return "[" + ", ".join(value_text(part) for part in value) + "]"
    return str(value)


def is_number(value: Any) -> bool:
    """Returns whether `value` is a number; True and False are not."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def _level(keys: Sequence[str], axes: Mapping[str, Any], called: Mapping[str, str]) -> str:
    text = _joined([axes[key] for key in keys])
    return called.get(text, text)


def _joined(values: Sequence[Any]) -> str:
    return " + ".join(map(value_text, values))


def _one_to_one(points: Sequence[Mapping[str, Any]], key: str, other: str) -> bool:
    pairs = {(value_text(point[key]), value_text(point[other])) for point in points}
    return len(pairs) == len({a for a, _ in pairs}) == len({b for _, b in pairs}) > 1
