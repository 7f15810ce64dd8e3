"""Tables as lists of fields: each says what its column is called, what a row has in it, and how that is written.

A row may be anything; a field's function takes one and returns its words, its number, or a whole `Value`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from ablate.analysis import Axis, Interval
from ablate.analysis.axes import value_text
from ablate.metrics import Metric
from ablate.report.document import Column, Table, Tone, Value
from ablate.report.evidence import Evidence
from ablate.report.numbers import NONE, fixed, interval, probability

MANY = 20
"""A table of more rows can be filtered."""

Row = TypeVar("Row")


@dataclass(frozen=True)
class Field(Generic[Row]):
    """A column, and the value that each row has in it."""

    column: Column
    of: Callable[[Row], Value]


def table(
    name: str,
    title: str,
    rows: Iterable[Row],
    *fields: Field[Row],
    caption: str = "",
    filterable: bool = False,
    folded: bool = False,
) -> Table:
    """Returns a table with a line for each row."""
    written = tuple(tuple(field.of(row) for field in fields) for row in rows)
    columns = tuple(field.column for field in fields)
    return Table(name, title, columns, written, caption, filterable or len(written) > MANY, folded)


def words(title: str, of: Callable[[Row], str | Value], unit: str = "", hint: str = "") -> Field[Row]:
    """Returns a field of words, which rows are sorted by."""

    def value(row: Row) -> Value:
        found = of(row)
        return found if isinstance(found, Value) else Value(found, sort=found or None)

    return Field(Column(title, unit, numeric=False, hint=hint), value)


def numbers(
    title: str, of: Callable[[Row], float | Value | None], unit: str = "", hint: str = "", decimals: int = 0
) -> Field[Row]:
    """Returns a field of numbers with so many decimals, aligned to the right."""

    def value(row: Row) -> Value:
        found = of(row)
        return found if isinstance(found, Value) else number(found, decimals)

    return Field(Column(title, unit, hint=hint), value)


def scores(metrics: Iterable[Metric], of: Callable[[Row, Metric], float | Value | None]) -> list[Field[Row]]:
    """Returns a field of numbers for each metric, with its unit, its meaning and its decimals."""

    def field(metric: Metric) -> Field[Row]:
        better = f"{metric.direction} is better" if metric.direction else ""
        hint = ". ".join(part for part in (metric.formula, better) if part)
        return numbers(metric.label, lambda row: of(row, metric), metric.unit, hint, metric.decimals)

    return [field(metric) for metric in metrics]


def arm_fields(evidence: Evidence, of: Callable[[Row], tuple[str, Mapping[str, Any]]]) -> list[Field[Row]]:
    """Returns a field for each axis, so that arms are sorted by any of them; the arm's name where nothing varies.

    Where arms were added beside the axes, a field before the others names them.

    Args:
        evidence: whose arms the rows are about.
        of: returns a row's arm by its name and its levels.
    """
    study = evidence.study

    def tag(row: Row) -> str:
        return "baseline" if evidence.is_baseline(of(row)[0]) else ""

    if not study.axes:
        return [words("arm", lambda row: Value(of(row)[0], tag(row), of(row)[0]))]

    def axis_field(axis: Axis) -> Field[Row]:
        def value(row: Row) -> Value:
            return _level(axis, of(row)[1], tag(row) if axis is study.axes[0] else "")

        return Field(Column(axis.name, numeric=axis.numbers is not None, hint=" + ".join(axis.keys)), value)

    def added(row: Row) -> str:
        name, axes = of(row)
        return "" if study.on_axes_at(axes) else name

    beside = [] if evidence.all_on_axes else [words("added", added, hint="arms added beside the axes")]
    return [*beside, *map(axis_field, study.axes)]


def _level(axis: Axis, axes: Mapping[str, Any], below: str) -> Value:
    """Writes a level, sorted by its number or by its place among names; what lies on no level is muted."""
    level = axis.level(axes)
    if level is None:
        return Value(value_text(axes[axis.keys[0]]) if axis.keys[0] in axes else NONE, below, tone="muted")
    place = axis.levels.index(level)
    at = axis.numbers[place] if axis.numbers is not None else place
    return Value(level, below, int(at) if at == int(at) else at)


def number(value: float | None, decimals: int = 0, below: str = "", tone: Tone = "plain") -> Value:
    """Writes a number; one that is missing is a muted dash."""
    return Value(fixed(value, decimals), below, value, "muted" if value is None else tone)


def count(value: int | None, below: str = "") -> Value:
    """Writes a count with its thousands apart."""
    return Value(NONE if value is None else f"{value:,}", below, value, "muted" if value is None else "plain")


def part(some: int, of: int, below: str = "", tone: Tone = "plain") -> Value:
    """Writes how many of how many."""
    return Value(f"{some} of {of}", below, some, tone)


def difference(own: Interval | None, decimals: int, scale: float = 1.0, below: str = "") -> Value:
    """Writes a signed mean above its interval, both times `scale`."""
    if own is None:
        return Value(NONE, below, tone="muted")
    mean = scale * own.mean
    return Value(fixed(mean, decimals, signed=True), f"{interval(own, decimals, scale)}{below}", mean)


def p_value(value: float | None, below: str = "") -> Value:
    """Writes a p-value with as many decimals as it deserves."""
    return Value(NONE if value is None else probability(value), below, value)


def code(value: str) -> Value:
    """Writes an id as code."""
    return Value(value, sort=value, code=True)
