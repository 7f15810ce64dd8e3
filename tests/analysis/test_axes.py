from __future__ import annotations

import itertools

from ablate.analysis.axes import find_axes, value_text
from ablate.records import AxisNames, LevelName


def points(**axes: list) -> list[dict]:
    return [dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values())]


def test_an_axis_with_one_level_is_left_out() -> None:
    planned = {"loss": ["a", "b"], "scales": [3]}
    assert [axis.name for axis in find_axes(planned, points(**planned), {})] == ["loss"]


def test_numbers_are_ordered_by_value_and_names_by_the_file() -> None:
    planned = {"lambda_x": [48.0, 6.0, 12], "loss": ["lsgan", "hinge"]}
    number, name = find_axes(planned, points(**planned), {})
    assert number.levels == ("6", "12", "48")
    assert number.numbers == (6.0, 12.0, 48.0)
    assert name.levels == ("lsgan", "hinge")
    assert name.numbers is None


def test_the_baseline_is_declared_or_the_first_value_of_the_file() -> None:
    planned = {"lambda_x": [48.0, 6.0], "loss": ["lsgan", "hinge"]}
    number, name = find_axes(planned, points(**planned), {"loss": "hinge"})
    assert (number.baseline, name.baseline) == ("48", "hinge")


def test_keys_that_change_together_are_one_axis() -> None:
    planned = {"feature": [0.0, 10.0], "weight": [0.15, 0.05], "seedlike": [1, 2]}
    together = [{"feature": f, "weight": w, "seedlike": s} for f, w in ((0.0, 0.15), (10.0, 0.05)) for s in (1, 2)]
    first, second = find_axes(planned, together, {})
    assert (first.name, first.levels) == ("feature + weight", ("0 + 0.15", "10 + 0.05"))
    assert second.name == "seedlike"


def test_axes_and_levels_are_called_as_the_grid_file_calls_them() -> None:
    planned = {"feature": [0.0, 10.0], "weight": [0.15, 0.05], "steps": [1, 2]}
    together = [{"feature": f, "weight": w, "steps": s} for f, w in ((0.0, 0.15), (10.0, 0.05)) for s in (1, 2)]
    names = [
        AxisNames(keys=("feature", "weight"), label="matching", levels=(LevelName(values=[10, 0.05], label="full"),)),
        AxisNames(keys=("steps",), levels=(LevelName(values=[1], label="short"), LevelName(values=[2], label="long"))),
    ]
    first, second = find_axes(planned, together, {"feature": 10.0, "weight": 0.05}, names)
    assert (first.name, first.levels, first.baseline) == ("matching", ("0 + 0.15", "full"), "full")
    assert first.level({"feature": 10.0, "weight": 0.05}) == "full"
    assert (second.name, second.levels, second.level({"steps": 2})) == ("steps", ("short", "long"), "long")


def test_a_star_design_keeps_its_axes_apart() -> None:
    star = [{"loss": "a", "scales": 1}, {"loss": "b", "scales": 1}, {"loss": "a", "scales": 3}]
    assert [axis.name for axis in find_axes({"loss": ["a", "b"], "scales": [1, 3]}, star, {})] == ["loss", "scales"]


def test_values_are_written_as_a_reader_names_them() -> None:
    assert [value_text(value) for value in (12.0, 0.25, True, "hinge", [1, 2])] == [
        "12",
        "0.25",
        "true",
        "hinge",
        "[1, 2]",
    ]
    assert value_text({"name": "hinge", "options": {}}) == "hinge"
    assert value_text({"name": "charbonnier", "epsilon": 0.001}) == "charbonnier(epsilon=0.001)"


def test_numbers_that_differ_late_are_levels_of_their_own() -> None:
    planned = {"steps": [1_000_000, 1_000_001], "rate": [0.1234567, 0.1234568, 0.5]}
    steps, rate = find_axes(planned, points(**planned), {})
    assert steps.levels == ("1e+06", "1000001")
    assert rate.levels == ("0.1234567", "0.1234568", "0.5")
    assert value_text(1000001) == value_text(1000001.0)
    assert (value_text(float("inf")), value_text(float("nan"))) == ("inf", "nan")
