import math

import numpy as np
import pytest

from ablate.bench.ratios import EQUAL, Ratio, noise, paired_ratio, verdict


def test_what_slows_a_whole_round_divides_out():
    weather = [1.0, 5.0, 1.1, 2.0, 9.0, 1.3, 1.0]
    ratio = paired_ratio([4e-3 * each for each in weather], [1e-3 * each for each in weather])
    assert ratio.median == ratio.low == ratio.high == pytest.approx(4.0)


def test_five_rounds_have_no_interval_and_six_have_their_range():
    assert paired_ratio([1.0] * 5, [1.0, 2.0, 3.0, 4.0, 5.0]).low is None
    six = paired_ratio([1.0] * 6, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
    assert (six.low, six.high) == (pytest.approx(1 / 6), 1.0)


def test_the_interval_of_the_median_covers_it_as_often_as_it_says_whatever_the_distribution():
    draw = np.random.default_rng(0)
    covered = 0
    for _ in range(2000):
        ratio = paired_ratio(np.exp(draw.standard_cauchy(11).clip(-50, 50)).tolist(), [1.0] * 11)
        covered += ratio.low <= 1.0 <= ratio.high
    assert covered / 2000 >= 0.95


def test_samples_of_different_rounds_are_refused():
    with pytest.raises(ValueError, match="3 samples of the baseline do not pair with 2"):
        paired_ratio([1.0] * 3, [1.0] * 2)


@pytest.mark.parametrize(
    ("low", "high", "within", "said"),
    [
        (3.0, 4.0, 0.1, "faster"),
        (0.2, 0.3, 0.1, "slower"),
        (0.99, 1.01, 0.1, "same"),
        (1.05, 1.2, 0.1, "ambiguous"),  # reaches into the noise
        (1.2, 1.3, 0.5, "ambiguous"),  # lies within the noise of a busy machine, which makes nothing the same
        (0.5, 2.0, 0.02, "ambiguous"),
        (None, None, 0.02, "ambiguous"),
        (3.0, 4.0, math.inf, "ambiguous"),
    ],
)
def test_a_verdict_needs_the_whole_interval(low, high, within, said):
    assert verdict(Ratio(1.0 if low is None else (low * high) ** 0.5, low, high), within) == said


def test_noise_is_how_far_the_control_strays_and_never_nothing():
    assert noise(Ratio(1.0, 0.8, 1.1)) == pytest.approx(0.25)
    assert noise(Ratio(1.0, 1.0, 1.0)) == EQUAL
    assert math.isinf(noise(Ratio(1.0, None, None)))
