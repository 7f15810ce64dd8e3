from __future__ import annotations

import numpy as np
import pytest

from ablate.analysis import t_interval
from ablate.report.numbers import (
    duration,
    fixed,
    interval,
    joined,
    plain_data,
    plural,
    probability,
    size,
)


def test_minus_is_a_minus_and_zero_has_no_sign() -> None:
    assert fixed(-1.5, 1) == "\u22121.5"
    assert fixed(1.5, 1, signed=True) == "+1.5"
    assert fixed(-0.0001, 2, signed=True) == "0.00"
    assert fixed(None, 2) == "\u2013"


def test_an_interval_of_one_seed_says_that_it_is_none() -> None:
    assert interval(t_interval([1.0]), 2) == "(one seed)"
    assert interval(t_interval([1.0, 1.0]), 2) == "[+1.00, +1.00]"
    assert interval(t_interval([0.01]), 1, 100) == "(one seed)"
    assert interval(t_interval([0.01, 0.01]), 1, 100) == "[+1.0, +1.0]"


@pytest.mark.parametrize(("value", "words"), [(0.5, "0.5"), (0.03125, "0.031"), (0.00001, "1e-05"), (1.0, "1")])
def test_a_p_value_is_never_zero(value: float, words: str) -> None:
    assert probability(value) == words


def test_durations_and_sizes_are_in_units_that_fit() -> None:
    assert [duration(seconds) for seconds in (2.345, 100, 600, 9000)] == ["2.35 s", "100 s", "10 min", "2 h 30 min"]
    assert [size(count) for count in (12, 512 * 2**20, 3 * 2**30, None)] == ["12 B", "512 MiB", "3 GiB", "\u2013"]


def test_counts_agree_with_their_noun() -> None:
    assert [plural(count, "cell") for count in (0, 1, 1200)] == ["0 cells", "1 cell", "1,200 cells"]
    assert [joined(words) for words in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == ["", "a", "a and b", "a, b and c"]


def test_numbers_that_json_does_not_know_become_null() -> None:
    given = {"a": (float("nan"), np.float32(1), np.array([np.inf, 2.0])), "b": [np.int64(3), True, None, "x"]}
    assert plain_data(given) == {"a": [None, 1.0, [None, 2.0]], "b": [3, True, None, "x"]}
