from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import t

from ablate.metrics import of_mean, of_replicates


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
