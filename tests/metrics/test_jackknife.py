from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import t

from ablate.metrics import of_mean, of_replicates
from ablate.metrics.jackknife import UNBOUNDED


def test_the_error_of_a_mean_is_the_textbooks() -> None:
    values = np.array([20.0, 23.0, 22.0, 27.0])
    estimate = of_mean(values)
    error = values.std(ddof=1) / 2
    assert estimate.value == 23
    assert estimate.standard_error == pytest.approx(error, rel=1e-12)
    assert estimate.high == pytest.approx(23 + t.ppf(0.975, 3) * error, rel=1e-12)
    assert estimate.bias == pytest.approx(0, abs=1e-12)


def test_the_bias_of_the_variance_of_a_sample_is_found() -> None:
    values = np.random.default_rng(0).normal(size=30)
    without = [np.var(np.delete(values, i)) for i in range(30)]
    estimate = of_replicates(float(np.var(values)), without)
    # the jackknife turns the biased variance into the unbiased one, exactly
    assert estimate.value - estimate.bias == pytest.approx(np.var(values, ddof=1), rel=1e-12)


def test_the_interval_holds_the_truth_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(1)
    estimates = [of_mean(rng.exponential(size=40)) for _ in range(1000)]
    held = np.mean([each.low <= 1 <= each.high for each in estimates])
    assert 0.91 < held < 0.96  # an exponential's tail costs a t interval of 40 values some 2 %


def test_a_group_of_images_counts_once() -> None:
    estimate = of_replicates(2.0, [1.0, 1.0, 4.0, 4.0], groups=[0, 0, 1, 1])
    assert (estimate.images, estimate.groups) == (4, 2)
    assert estimate.standard_error == of_replicates(2.0, [1.0, 4.0]).standard_error


def test_a_paired_difference_forgets_what_both_cells_have_in_common() -> None:
    rng = np.random.default_rng(0)
    images = rng.normal(25, 4, size=50)
    a, b = images + rng.normal(0, 0.1, 50), images + 0.2 + rng.normal(0, 0.1, 50)
    difference = of_mean(b - a)
    assert difference.low > 0.1
    assert difference.standard_error < 0.1 * of_mean(a).standard_error


def test_one_image_has_no_interval() -> None:
    estimate = of_mean([21.5])
    assert (estimate.value, estimate.standard_error, estimate.low, estimate.bias) == (21.5, None, None, None)


@pytest.mark.parametrize("values", [[], [1.0, float("nan")], [[1.0, 2.0]]])
def test_values_that_no_figure_can_be_made_of_are_refused(values: list) -> None:
    with pytest.raises(ValueError, match="expected finite values, one an image"):
        of_mean(values)


def test_groups_that_are_not_one_an_image_are_refused() -> None:
    with pytest.raises(ValueError, match=r"groups must be one an image, \(2,\), not \(3,\)"):
        of_replicates(1.0, [1.0, 2.0], groups=[0, 1, 2])


def test_an_interval_without_bounds_stays_as_it_is() -> None:
    estimate = of_mean([20.0, 23.0, 22.0])
    assert estimate.within(UNBOUNDED) is estimate
    assert estimate.record()["method"] == "jackknife over images, t interval of 95 %"
    assert of_mean([0.5]).within((0, 1)) == of_mean([0.5])


@pytest.mark.parametrize("bounds", [(0, 1), (-1, 1), (0, math.inf), (-math.inf, 1)])
def test_a_bounded_interval_is_the_plain_one_on_a_scale_without_bounds(bounds: tuple[float, float]) -> None:
    plain = of_mean([0.97, 0.9, 0.8, 0.99, 0.4])
    found = plain.within(bounds)

    def scale(x: float) -> float:
        low, high = bounds
        return (math.log(x - low) if low > -math.inf else 0) - (math.log(high - x) if high < math.inf else 0)

    steepness = (scale(plain.value + 1e-6) - scale(plain.value - 1e-6)) / 2e-6
    reach = (plain.high - plain.value) * steepness
    assert scale(found.low) == pytest.approx(scale(plain.value) - reach, abs=1e-6)
    assert scale(found.high) == pytest.approx(scale(plain.value) + reach, abs=1e-6)
    assert bounds[0] < found.low < found.value < found.high < bounds[1]
    assert (found.value, found.standard_error, found.bias) == (plain.value, plain.standard_error, plain.bias)


@pytest.mark.parametrize(
    ("bounds", "words"),
    [
        ((0, 1), "log x/(1 - x)"),
        ((-1, 1), "log (x + 1)/(1 - x)"),
        ((0, math.inf), "log x"),
        ((-math.inf, 1), "log (1 - x)"),
    ],
)
def test_the_record_says_how_a_bounded_interval_was_made(bounds: tuple[float, float], words: str) -> None:
    method = of_mean([0.5, 0.6]).within(bounds).record()["method"]
    assert method == f"jackknife over images, t interval of 95 %, on the scale of {words}"


def test_an_interval_at_a_bound_is_cut() -> None:
    nearly = of_replicates(0.01, [0.0, 0.1, 0.02]).within((0, math.inf))
    assert nearly.low == 0
    assert nearly.high == of_replicates(0.01, [0.0, 0.1, 0.02]).high
    assert nearly.method.endswith(", cut at 0")
    alike = of_mean([1.0, 1.0, 1.0]).within((0, 1))
    assert (alike.low, alike.high) == (1, 1)
    rounded = of_replicates(1 + 2e-16, [1.0, 1.0]).within((0, 1))
    assert (rounded.low, rounded.high) == (1, 1)
    assert rounded.method.endswith(", cut at 0 and 1")


def similarities(random: np.random.Generator, size: tuple[int, ...]) -> np.ndarray:
    """MS-SSIM of images as they differ: the distance from 1 is lognormal."""
    return 1 - np.minimum(0.03 * np.exp(random.normal(size=size)), 1)


def bits(random: np.random.Generator, size: tuple[int, ...]) -> np.ndarray:
    return np.exp(random.normal(size=size))


@pytest.mark.parametrize(("draw", "bounds"), [(similarities, (0, 1)), (bits, (0, math.inf))])
@pytest.mark.parametrize("images", [4, 8, 24])
def test_a_bounded_interval_holds_the_truth_more_often_than_a_cut_one(draw, bounds, images: int) -> None:
    random = np.random.default_rng(images)
    truth = draw(random, (2_000_000,)).mean()
    plain = [of_mean(values) for values in draw(random, (1500, images))]
    bounded = [each.within(bounds) for each in plain]
    # a cut interval holds what the plain one does, as the truth lies within the bounds
    cut, found = (np.mean([each.low <= truth <= each.high for each in these]) for these in (plain, bounded))
    assert cut < 0.90
    assert cut + 0.015 < found < 0.96
    assert min(each.low for each in bounded) >= bounds[0]
    assert max(each.high for each in bounded) <= bounds[1]
    if images == 4:
        assert np.mean([each.low < bounds[0] or each.high > bounds[1] for each in plain]) > 0.5
        assert found > cut + 0.05
