from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from ablate.analysis import judge
from ablate.statistics import compare

BASE = np.array([27.6, 27.7, 27.8, 27.8, 27.7, 27.9])


def test_the_interval_is_students_of_the_paired_differences():
    own = BASE + np.array([0.3, 0.4, 0.2, 0.5, 0.3, 0.3])
    found = compare(own, BASE, margin=0.1)
    expected = stats.ttest_rel(own, BASE).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))
    assert found.verdict == "better"
    assert found.p == 2 / 2**6


def test_the_verdict_is_that_of_reports():
    own = BASE + 0.05 * np.sin(np.arange(6))
    found, expected = compare(own, BASE, margin=0.4), judge(list(own - BASE), 0.4, "higher")
    assert (found.verdict, found.claim_p) == (expected.outcome, expected.claim_p)


def test_direction_turns_better_into_worse():
    own = BASE - np.array([0.3, 0.4, 0.2, 0.5, 0.3, 0.3])
    assert compare(own, BASE).verdict == "worse"
    assert compare(own, BASE, direction="lower").verdict == "better"


def test_comparisons_divide_the_level():
    own = BASE + np.array([0.3, 0.4, 0.2, 0.5, 0.3, 0.3])
    found = compare(own, BASE, comparisons=3)
    assert found.verdict == "inconclusive"
    assert found.pairs_needed == 7


@pytest.mark.parametrize(
    ("a", "b", "options"),
    [
        ([1.0], [1.0, 2.0], {}),
        ([], [], {}),
        ([math.nan], [1.0], {}),
        ([[1.0]], [[1.0]], {}),
        ([1.0], [1.0], {"direction": "up"}),
        ([1.0], [1.0], {"alpha": 0.0}),
        ([1.0], [1.0], {"margin": -1.0}),
        ([1.0], [1.0], {"margin": math.nan}),
        ([1.0], [1.0], {"margin": math.inf}),
    ],
)
def test_what_means_nothing_is_refused(a, b, options):
    with pytest.raises(ValueError, match="expected"):
        compare(a, b, **options)
