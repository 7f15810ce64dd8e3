from __future__ import annotations

from ablate.analysis.frontier import frontier


def test_a_point_that_is_worse_in_everything_is_beaten() -> None:
    points = {"good": (24.0, 100.0), "better quality": (25.0, 120.0), "worse": (23.0, 130.0)}
    assert frontier(points, ["higher", "lower"]) == ("good", "better quality")


def test_a_point_that_is_equal_in_one_and_worse_in_the_other_is_beaten() -> None:
    assert frontier({"a": (24.0, 100.0), "b": (24.0, 110.0)}, ["higher", "lower"]) == ("a",)


def test_equal_points_stay_both() -> None:
    assert frontier({"a": (1.0, 1.0), "b": (1.0, 1.0)}, ["lower", "lower"]) == ("a", "b")


def test_one_point_and_none() -> None:
    assert frontier({"a": (1.0,)}, ["higher"]) == ("a",)
    assert frontier({}, ["higher"]) == ()
