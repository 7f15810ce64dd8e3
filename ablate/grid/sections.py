"""The sections of a grid file beside the cells: seeds, design, comparison, budget and execution."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Annotated, Any, Literal

from annotated_types import Ge
from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from ablate import records
from ablate.config import Settings
from ablate.metrics.catalogue import in_reading_order, metrics
from ablate.metrics.naming import TEST, VALIDATION
from ablate.plugins.decorators import catalogue
from ablate.records.declared import TRACKERS, Margin, as_tuple, distinct, each_once
from ablate.records.declared import Budget as Budget
from ablate.registry import unknown
from ablate.terms import Resolve, Term


def _judged_by(name: str) -> str:
    metric = metrics[name]
    if metric.direction is None:
        judging = ", ".join(each.name for each in in_reading_order() if each.direction)
        raise ValueError(f"{name} describes, and no value of it is better (there is: {judging})")
    return metric.name


Metric = Annotated[str, AfterValidator(_judged_by)]


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

    values: Annotated[tuple[Annotated[int, Ge(0)], ...], BeforeValidator(as_tuple), AfterValidator(distinct)] = Field(
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


class Compare(records.Compare):
    """Claims of a grid file, each metric by a name that there is; see `ablate.records.Compare`."""

    primary: Annotated[tuple[Metric, ...], BeforeValidator(as_tuple), AfterValidator(distinct)] = Field(
        (), description="a list of metrics"
    )
    margin: dict[Metric, Margin] = Field({}, description='a table like { psnr = 0.1, bpp_actual = "1%" }')
    alpha: float = Field(0.05, gt=0, lt=1)
    correction: Literal["holm", "holm-all", "none"] = "holm"


def _never_the_judge(images: str) -> str:
    if images == TEST:
        raise ValueError(
            f'"{TEST}" would choose settings by the images that judge them, and every claim would be too good '
            f"(there is: {VALIDATION})"
        )
    if images != VALIDATION:
        raise ValueError(unknown("set of images to choose by", images, [VALIDATION]))
    return images


def _growing(rungs: tuple[float, ...]) -> tuple[float, ...]:
    if not rungs or rungs[0] <= 0 or rungs[-1] > 1 or any(a >= b for a, b in itertools.pairwise(rungs)):
        raise ValueError("not parts of a training that grow (an example: [0.25, 1.0])")
    return rungs


class Tune(Settings):
    """How every arm is tuned before it is judged: so many trials, each a cell with other values of `over`.

    Values are Sobol draws from ranges that settings declare or `over` gives, the same draws for every arm. In each rung
    trials train on to a longer part of a training, and the best go on (successive halving). The best by `metric` on
    the validation images is trained again on the seeds of the grid, which trials never see, and judged on test.
    """

    trials: int = Field(16, ge=2, le=4096)
    over: Annotated[tuple[str, ...] | dict[str, Any], BeforeValidator(as_tuple)] = Field(
        (),
        description='a list of keys and patterns like ["loss.lambda_x", "optimizers.*.learning_rate"], or a table '
        'like { "loss.lambda_x" = { log = [3, 48] } }',
    )
    metric: Metric | None = None
    select_on: Annotated[str, AfterValidator(_never_the_judge)] = VALIDATION
    rungs: Annotated[tuple[float, ...], BeforeValidator(as_tuple), AfterValidator(_growing)] = Field(
        (0.25, 1.0), description="a list of growing parts of a training, up to 1.0"
    )
    seeds: Annotated[tuple[Annotated[int, Ge(0)], ...], BeforeValidator(as_tuple), AfterValidator(distinct)] = Field(
        (), description="a list of different whole numbers from 0, none of them in [seeds]"
    )
    draws: int = Field(0, ge=0)


def _known(kind: str, usual: str = "") -> Callable[[str], str]:
    """Returns a check of a name of a catalogue, which is looked into where it is not the usual one."""

    def check(name: str) -> str:
        return name if name == usual else str(catalogue(kind)[name].name)

    return check


def _tracker(term: Term) -> Term:
    return Resolve(catalogue("tracker"), called=False)(term)


class Execution(records.Execution):
    """How the cells are run, executor and trackers by names that there are; see `ablate.records.Execution`."""

    executor: Annotated[str, AfterValidator(_known("executor", "local"))] = Field(
        "local", description="the name of an executor"
    )
    trackers: Annotated[
        tuple[Annotated[Term, AfterValidator(_tracker)], ...],
        BeforeValidator(as_tuple),
        AfterValidator(each_once),
    ] = Field((), description=TRACKERS)


class Reference(records.Reference):
    """A codec that a grid file sets beside its arms, each metric by a name that there is."""

    columns: dict[Metric, str] = Field({}, description='a table like { lpips_alex = "lpips" }')
    same_convention: Annotated[tuple[Metric, ...], BeforeValidator(as_tuple), AfterValidator(distinct)] = Field(
        (), description='a list of metrics like ["psnr", "ms_ssim"]'
    )
