"""The sections of a grid file beside the cells: seeds, design, comparison, budget and execution."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from annotated_types import Ge
from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from ablate.config import Settings
from ablate.metrics.naming import EXTRACTOR_TAPS, distance_name, kernel_name
from ablate.registry import unknown

_DISTANCES = tuple(
    naming(extractor, tap)
    for naming in (distance_name, kernel_name)
    for extractor, taps in EXTRACTOR_TAPS.items()
    for tap in taps
)
CHOSEN_METRICS = (*_DISTANCES, "lpips_alex", "lpips_vgg", "dists")
"""What a cell measures only where its evaluation says so: by extractor and tap, or by name."""
METRICS = ("psnr", "ms_ssim", "ms_ssim_3", "bpp_bound", "bpp_entropy", "bpp_actual", *CHOSEN_METRICS)
"""What can be compared: the numbers that an evaluation writes."""

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def _known_metric(name: str) -> str:
    if name not in METRICS:
        raise ValueError(unknown("metric", name, list(METRICS)))
    return name


def _distinct(values: tuple[Any, ...]) -> tuple[Any, ...]:
    repeated = [value for i, value in enumerate(values) if value in values[:i]]
    if repeated:
        raise ValueError(f"{repeated[0]!r} is listed twice")
    return values


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


def _as_tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


Metric = Annotated[str, AfterValidator(_known_metric)]
Seconds = Annotated[float, BeforeValidator(_seconds), Field(gt=0)]
Margin = Annotated[float | str, BeforeValidator(_margin)]
AutoCount = Literal["auto"] | Annotated[int, Ge(1)]


class Design(Settings):
    """Which combinations of axis values are run.

    full: every combination. star: the baseline, and the baseline with one axis at each of its other values.
    leave-one-out: the baseline, and for each axis the baseline with that axis back at its value in [base].
    The baseline takes its values from [compare] baseline, and each axis that is not named there at its first value.
    """

    kind: Literal["full", "star", "leave-one-out"] = "full"


class Seeds(Settings):
    """The seeds that every combination is run with: `values`, or `count` for 0, 1, ….

    aa: the baseline is run again with the first seed; what differs between the two is the noise of the machine.
    """

    values: Annotated[tuple[Annotated[int, Ge(0)], ...], BeforeValidator(_as_tuple), AfterValidator(_distinct)] = Field(
        (0,), min_length=1, description="a list of different whole numbers from 0"
    )
    count: int | None = Field(None, ge=1, le=1000)
    aa: bool = False

    @model_validator(mode="before")
    @classmethod
    def _count_to_values(cls, given: Any) -> Any:
        if "values" in given and "count" in given:
            raise ValueError("values and count exclude each other")
        return {**given, "values": tuple(range(given["count"]))} if "count" in given else given


class Compare(Settings):
    """What is claimed before the runs: the baseline, the metrics that decide, and the smallest effects that matter.

    `margin` holds numbers in the metric's unit or percentages ("1%"). A grid that was read has a baseline value,
    as plain data, for every key that varies. `axes` are the keys whose effects are claimed, all of them where none is
    named: every other comparison is exploratory and leaves the claims their seeds. `rate_match` says when quality may
    be judged: "within:1%" where bits are shown to agree, "bd" at equal bits by Bjøntegaard difference along an axis
    with four values or more, "off" whatever is spent. `correction`: "holm" holds alpha over the claims on each primary
    metric, "holm-all" over those on all of them together.
    """

    baseline: dict[str, Any] = Field({}, description='a table like { "loss.adversarial" = "hinge" }')
    primary: Annotated[tuple[Metric, ...], BeforeValidator(_as_tuple), AfterValidator(_distinct)] = Field(
        (), description="a list of metrics"
    )
    axes: Annotated[tuple[str, ...], BeforeValidator(_as_tuple), AfterValidator(_distinct)] = Field(
        (), description='a list of keys that vary, like ["loss.adversarial"]'
    )
    rate_match: Annotated[str, AfterValidator(_rate_match)] = "within:1%"
    margin: dict[Metric, Margin] = Field({}, description='a table like { psnr = 0.1, bpp_actual = "1%" }')
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
    trackers: Annotated[tuple[str, ...], BeforeValidator(_as_tuple), AfterValidator(_distinct)] = Field(
        (), description="a list of trackers"
    )
