from __future__ import annotations

import pytest
from statsmodels.stats.proportion import proportion_confint

from ablate.analysis import contrasts, failure_rates, means_with_failures
from ablate.analysis.failures import wilson, with_failures_as_worst
from ablate.records import Status
from tests.analysis.studies import cell, study

AXES = {"loss": ["a", "b"]}


def half_diverged() -> list:
    good = [cell({"loss": "a"}, seed, 20.0 + seed) for seed in range(4)]
    return good + [cell({"loss": "b"}, seed, None if seed < 2 else 30.0 + seed) for seed in range(4)]


@pytest.mark.parametrize(("count", "of"), [(0, 6), (1, 6), (3, 6), (6, 6), (17, 200)])
@pytest.mark.parametrize("confidence", [0.95, 0.8])
def test_wilson_limits_agree_with_statsmodels(count: int, of: int, confidence: float) -> None:
    theirs = proportion_confint(count, of, alpha=1 - confidence, method="wilson")
    assert wilson(count, of, confidence) == pytest.approx(theirs, abs=1e-12)


@pytest.mark.parametrize(("count", "of"), [(3, 2), (-1, 2), (0, 0)])
def test_a_share_of_nothing_is_refused(count: int, of: int) -> None:
    with pytest.raises(ValueError, match="expected a count between 0"):
        wilson(count, of)


def test_the_rate_counts_what_ended_and_not_what_never_ran() -> None:
    pending = [cell({"loss": "b"}, 9, None)]
    object.__setattr__(pending[0], "status", Status.pending)
    a, b = failure_rates(study([*half_diverged(), *pending], AXES))
    assert (a.diverged, a.ended, a.low) == (0, 4, 0.0)
    assert (b.diverged, b.ended, b.share) == (2, 4, 0.5)


@pytest.mark.parametrize(
    ("direction", "mean"), [("higher", (20 + 20 + 32 + 33) / 4), ("lower", (33 + 33 + 32 + 33) / 4)]
)
def test_a_diverged_seed_counts_as_the_worst_of_the_grid(direction: str, mean: float) -> None:
    assert means_with_failures(study(half_diverged(), AXES), "psnr", direction)["loss=b"].mean == mean


def test_a_level_that_is_ahead_only_where_it_survives_is_not_ahead_with_its_failures() -> None:
    subject = study(half_diverged(), AXES)
    read = with_failures_as_worst(subject, "psnr", "higher")
    survived = contrasts(subject, {"psnr": "higher"})["psnr"][0].effect
    counted = contrasts(subject, {"psnr": "higher"}, read=lambda _: read)["psnr"][0].effect
    assert dict(survived.by_seed) == {2: 10.0, 3: 10.0}
    assert dict(counted.by_seed) == {0: 0.0, 1: -1.0, 2: 10.0, 3: 10.0}


def test_without_any_value_there_is_no_worst() -> None:
    subject = study([cell({"loss": "a"}, 0, None)], AXES)
    assert with_failures_as_worst(subject, "psnr", "higher") is None
    assert means_with_failures(subject, "psnr", "higher") == {}
