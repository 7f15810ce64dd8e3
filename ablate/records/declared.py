"""Comparison, budget and execution that a grid file declares beside its cells, as a plan keeps them."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from annotated_types import Ge
from pydantic import AfterValidator, BeforeValidator, Field

from ablate.registry import unknown
from ablate.settings import Settings

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def distinct(values: tuple[Any, ...]) -> tuple[Any, ...]:
    """Refuses a list that names something twice."""
    repeated = [value for i, value in enumerate(values) if value in values[:i]]
    if repeated:
        raise ValueError(f"{repeated[0]!r} is listed twice")
    return values


def as_tuple(value: Any) -> Any:
    """Turns a list into a tuple, and leaves everything else."""
    return tuple(value) if isinstance(value, list) else value


def _seconds(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if not re.fullmatch(r"(\d+(\.\d+)?[smhd])+", value):
        raise ValueError("not a time (there is: 2h, 90m, 30s, 1h30m or a number of seconds)")
    return sum(float(number) * _SECONDS[unit] for number, unit in re.findall(r"([\d.]+)([smhd])", value))


def _margin(value: Any) -> Any:
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and value > 0
    is_percent = isinstance(value, str) and re.fullmatch(r"\d+(\.\d+)?%", value) and float(value[:-1]) > 0
    if not is_number and not is_percent:
        raise ValueError('not a margin (there is: a number above 0 in the metric\'s unit, or a percentage like "1%")')
    return value


def _rate_match(value: str) -> str:
    if value not in ("off", "bd") and not re.fullmatch(r"within:\d+(\.\d+)?%", value):
        raise ValueError(unknown("way to match rates", value, ["off", "bd", "within:1%"]))
    return value


Seconds = Annotated[float, BeforeValidator(_seconds), Field(gt=0)]
Margin = Annotated[float | str, BeforeValidator(_margin)]
Names = Annotated[tuple[str, ...], BeforeValidator(as_tuple), AfterValidator(distinct)]
AutoCount = Literal["auto"] | Annotated[int, Ge(1)]


class Compare(Settings):
    """Claims made before the runs: the baseline, the metrics that decide, and the smallest effects that matter.

    `margin` holds numbers in the metric's unit or percentages ("1%"). A grid that was read has a baseline value,
    as plain data, for every key that varies. `axes` are the keys whose effects are claimed, all of them where none is
    named: every other comparison is exploratory and leaves the claims their seeds. `rate_match` says when quality may
    be judged: "within:1%" where bits are shown to agree, "bd" at equal bits by Bjøntegaard difference along an axis
    with four values or more, "off" whatever is spent. `correction`: "holm" holds alpha over the claims on each primary
    metric, "holm-all" over those on all of them together.
    """

    baseline: dict[str, Any] = Field({}, description='a table like { "loss.adversarial" = "hinge" }')
    primary: Names = Field((), description="a list of metrics")
    axes: Names = Field((), description='a list of keys that vary, like ["loss.adversarial"]')
    rate_match: Annotated[str, AfterValidator(_rate_match)] = "within:1%"
    margin: dict[str, Margin] = Field({}, description='a table like { psnr = 0.1, bpp_actual = "1%" }')
    alpha: float = Field(0.05, gt=0, lt=1)
    correction: Literal["holm", "holm-all", "none"] = "holm"


class Budget(Settings):
    """When a run stops: after `max_hours`, a cell after `cell_timeout` seconds, all after failures in a row."""

    max_hours: float | None = Field(None, gt=0)
    cell_timeout: Seconds | None = Field(None, description='a time like "2h", "90m", "30s", or a number of seconds')
    max_consecutive_failures: int = Field(3, ge=1)


class Execution(Settings):
    """How the cells are run; it changes no identity. By `device`, `threads` and `kernels` sums may round otherwise."""

    workers: AutoCount = "auto"
    threads: AutoCount = "auto"
    device: Literal["auto", "cpu", "cuda"] = "auto"
    cells_per_gpu: int = Field(1, ge=1)
    kernels: Literal["auto", "eager"] = "auto"
    executor: str = "local"
    trackers: Names = Field((), description="a list of trackers")
