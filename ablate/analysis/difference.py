"""Two cells side by side: the settings and circumstances in which they differ, and what each image makes of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from ablate.metrics.naming import group_column
from ablate.settings import flat
from ablate.store.measured import image_rows

if TYPE_CHECKING:
    from ablate.metrics import Metric
    from ablate.records import Result
    from ablate.store import Entry

CIRCUMSTANCES = ("fingerprint", "git", "ablate", "torch", "device", "gpu", "cpu", "threads", "cells_at_once")
"""Facts of the environment that may explain a difference beside the settings."""

FIGURES = ("first", "second", "difference", "low", "high", "images", "by_image", "outcome")
"""Values of a metric, and their difference, for two cells."""

Table = Mapping[str, Mapping[str, float | None]]
"""Image -> figure -> value, None where it has none."""


@dataclass(frozen=True)
class Cell:
    """A cell that has ended."""

    id: str
    label: str
    grid: str
    config: Mapping[str, Any]
    entry: Entry
    result: Result


@dataclass(frozen=True)
class Setting:
    """A fact in which the cells differ; None where one of them lacks it."""

    key: str
    first: Any
    second: Any


@dataclass(frozen=True)
class Change:
    """A metric of both cells, and second - first with its 95% interval over images.

    `incomparable` says in which facts of their protocols the cells differ, or which was trained against the network
    that measures; there is no difference then.
    """

    metric: Metric
    first: float | None
    second: float | None
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    images: int = 0
    by_image: Mapping[str, float] | None = None
    incomparable: str = ""

    @property
    def outcome(self) -> str:
        """Says whether the images tell the two checkpoints apart."""
        if self.incomparable:
            return "not comparable"
        if self.difference is None:
            return "not measured in both"
        if self.low is None or self.high is None:
            return "no interval" if self.difference else "equal"
        if self.low <= 0 <= self.high:
            return "equal" if self.low == self.high == 0 else "not told apart"
        if self.metric.direction is None:
            return "told apart"
        return "better" if self.difference * self.metric.sign > 0 else "worse"


@dataclass(frozen=True)
class Difference:
    """All in which two cells differ; positive differences are what the second has more."""

    first: Cell
    second: Cell
    weights: str
    settings: tuple[Setting, ...]
    circumstances: tuple[Setting, ...]
    changes: tuple[Change, ...]


def compare(first: Cell, second: Cell, weights: str) -> Difference:
    """Compares two cells under one set of weights ("ema" or "raw")."""
    own, other = ({key: cell.result.environment.fact(key) for key in CIRCUMSTANCES} for cell in (first, second))
    return Difference(
        first,
        second,
        weights,
        tuple(_settings(first.config, second.config)),
        tuple(_unequal(own, other)),
        tuple(_changes(first, second, weights)),
    )


def _settings(first: Mapping[str, Any], second: Mapping[str, Any]) -> Iterator[Setting]:
    own, other = flat(first), flat(second)
    return _unequal({key: own.get(key) for key in dict.fromkeys((*own, *other))}, other)


def _unequal(own: Mapping[str, Any], other: Mapping[str, Any]) -> Iterator[Setting]:
    return (Setting(key, value, other.get(key)) for key, value in own.items() if value != other.get(key))


def _changes(first: Cell, second: Cell, weights: str) -> Iterator[Change]:
    from ablate.metrics.catalogue import in_reading_order

    scores = [cell.result.metrics.get(weights, {}) for cell in (first, second)]
    tables = [_rows(cell, weights, "images") for cell in (first, second)]
    without = [_rows(cell, weights, "jackknife") for cell in (first, second)]
    for metric in in_reading_order({*scores[0], *scores[1]}):
        name = metric.name
        own, other = scores[0].get(name), scores[1].get(name)
        reason = _incomparable(first, second, name)
        if reason or own is None or other is None:
            yield Change(metric, own, other, incomparable=reason)
        elif all(name in row for rows in tables for row in rows.values()) and tables[0]:
            yield _by_image(metric, own, other, tables)
        else:
            yield _of_set(metric, own, other, without)


def _incomparable(first: Cell, second: Cell, metric: str) -> str:
    from ablate.metrics.protocol import differences

    taught = [cell.label for cell in (first, second) if cell.result.trained_against(metric)]
    if taught:
        return f"trained against the network that measures it: {' and '.join(dict.fromkeys(taught))}"
    own, other = (cell.result.protocol.get(metric) for cell in (first, second))
    return "; ".join(map(str, differences(own, other))) if own and other else ""


def _rows(cell: Cell, weights: str, table: Literal["images", "jackknife"]) -> Table:
    """Returns the rows of a table by image; none where the store is older than the table."""
    path = cell.entry.images_csv if table == "images" else cell.entry.jackknife_csv
    return image_rows(cell.entry, cell.config, weights, table=table) if path.exists() else {}


def _by_image(metric: Metric, own: float, other: float, tables: Sequence[Table]) -> Change:
    """Compares means of images that both cells have a finite value of."""
    from ablate.metrics import jackknife

    gaps = _gaps(metric.name, tables)
    if not gaps:
        return Change(metric, own, other, other - own)
    mean = jackknife.of_mean(list(gaps.values()))
    return Change(metric, own, other, mean.value, mean.low, mean.high, len(gaps), gaps)


def _of_set(metric: Metric, own: float, other: float, without: Sequence[Table]) -> Change:
    """Compares figures of the whole set by leaving out one image at a time, the same for both.

    Images that have no part in the figure have no group.
    """
    from ablate.metrics import jackknife

    gaps, column = _gaps(metric.name, without), group_column(metric.name)
    grouped = [
        {image: group for image, row in table.items() if (group := row.get(column, row.get("group"))) is not None}
        for table in without
    ]
    if not gaps or any(each.keys() != gaps.keys() for each in grouped):
        return Change(metric, own, other, other - own)
    found = jackknife.of_replicates(other - own, list(gaps.values()), [grouped[0][image] for image in gaps])
    return Change(metric, own, other, found.value, found.low, found.high, len(gaps))


def _gaps(name: str, tables: Sequence[Table]) -> dict[str, float]:
    """Returns image -> second minus first, where both have a value."""
    pairs = {image: [table.get(image, {}).get(name) for table in tables] for image in tables[0]}
    return {image: b - a for image, (a, b) in pairs.items() if a is not None and b is not None}


def as_json(found: Difference) -> dict[str, Any]:
    """Returns the whole difference as plain data."""
    return {
        "schema": 1,
        **{
            side: {"id": cell.id, "label": cell.label, "grid": cell.grid, "status": cell.result.status}
            for side, cell in (("first", found.first), ("second", found.second))
        },
        "weights": found.weights,
        **{
            kind: {each.key: [each.first, each.second] for each in settings}
            for kind, settings in (("settings", found.settings), ("environment", found.circumstances))
        },
        "metrics": {
            change.metric.name: {
                **{name: getattr(change, name) for name in FIGURES}, "incomparable": change.incomparable or None,
            }
            for change in found.changes
        },
    }  # fmt: skip
