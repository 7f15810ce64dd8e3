from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from ablate.analysis.intervals import t_interval


@pytest.mark.parametrize(("n", "confidence"), [(2, 0.95), (5, 0.9), (12, 0.99)])
def test_interval_agrees_with_scipy(n: int, confidence: float) -> None:
    values = np.random.default_rng(n).normal(3, 2, n)
    theirs = stats.ttest_1samp(values, 0).confidence_interval(confidence)
    own = t_interval(values.tolist(), confidence)
    assert (own.low, own.high) == pytest.approx((theirs.low, theirs.high))
    assert (own.mean, own.standard_deviation) == pytest.approx((values.mean(), values.std(ddof=1)))


def test_one_value_has_a_mean_and_no_limits() -> None:
    own = t_interval([4.0])
    assert (own.mean, own.low, own.high, own.standard_deviation, own.n) == (4.0, None, None, None, 1)
    assert not own.excludes_zero


def test_an_interval_excludes_zero_on_either_side() -> None:
    assert t_interval([1.0, 1.1, 0.9]).excludes_zero
    assert t_interval([-1.0, -1.1, -0.9]).excludes_zero
    assert not t_interval([1.0, -1.0, 0.5]).excludes_zero
    assert not t_interval([0.0, 0.0]).excludes_zero


def test_no_values_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one value"):
        t_interval([])
