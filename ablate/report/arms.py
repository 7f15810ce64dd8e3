"""How an arm is written in a table: one column an axis, so that rows can be sorted by any of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ablate.analysis.axes import Axis, value_text
from ablate.report.document import Column, Value
from ablate.report.evidence import Evidence
from ablate.report.numbers import NONE


def arm_columns(evidence: Evidence) -> tuple[Column, ...]:
    """Returns a column for each axis, or one for the arm's name where nothing varies."""
    if not evidence.study.axes:
        return (Column("arm", numeric=False),)
    beside = () if evidence.all_on_axes else (Column("added", numeric=False, hint="arms added beside the axes"),)
    axes = (
        Column(axis.name, numeric=axis.numbers is not None, hint=" + ".join(axis.keys)) for axis in evidence.study.axes
    )
    return (*beside, *axes)


def arm_values(evidence: Evidence, name: str, axes: Mapping[str, Any]) -> tuple[Value, ...]:
    """Returns the fields of `arm_columns` for an arm; one that was added beside the axes goes by its name."""
    study = evidence.study
    tag = "baseline" if study.baseline and study.baseline.name == name else ""
    if not study.axes:
        return (Value(name, tag, name),)
    values = []
    for axis in study.axes:
        level = axis.level(axes)
        given = value_text(axes[axis.keys[0]]) if axis.keys[0] in axes else NONE
        values.append(Value(level or given, "", _place(axis, level), "plain" if level else "muted"))
    if evidence.all_on_axes:
        values[0] = Value(values[0].text, tag, values[0].sort, values[0].tone)
        return tuple(values)
    values[0] = Value(values[0].text, tag, values[0].sort, values[0].tone)
    on_axes = all(axis.level(axes) for axis in study.axes) and set(axes) == set(study.planned_axes)
    return (Value("" if on_axes else name, sort=None if on_axes else name), *values)


def _place(axis: Axis, level: str | None) -> float | None:
    """Returns what a level is sorted by: its number, or its place among names."""
    if level is None:
        return None
    place = axis.levels.index(level)
    number = axis.numbers[place] if axis.numbers is not None else place
    return int(number) if number == int(number) else number
