"""Holds the claims of reports/statistics with fewer draws; limits are four standard errors wide."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.analysis import simulation
from tests.analysis.simulation import (
    FAR,
    LOPSIDED,
    TRUTHS,
    Rate,
    coverage,
    equivalences,
    nested_coverage,
    non_inferiorities,
    pseudo_replication,
    verdicts,
)


def near(rate: Rate, expected: float) -> bool:
    return abs(rate.share - expected) < 4 * rate.error


@pytest.mark.parametrize("seeds", [3, 5, 10])
def test_intervals_hold_the_truth_as_often_as_they_say(seeds: int) -> None:
    assert near(coverage(seeds, "normal", 4000), 0.95)
    assert near(nested_coverage(seeds, 4000), 0.95)


def test_pooling_images_finds_differences_that_are_not_there_and_tests_over_seeds_do_not() -> None:
    found = pseudo_replication(6, 2000)
    assert found["all images pooled"].share > 0.6
    assert near(found["interval over seeds"], 0.05)
    # The exact level of the test: both extreme patterns of 64.
    assert near(found["sign flips over seeds"], 2 / 64)


@pytest.mark.parametrize("truth", TRUTHS, ids=lambda truth: truth.name)
def test_the_whole_procedure_is_wrong_on_a_metric_no_more_often_than_it_says(truth: simulation.Truth) -> None:
    found = verdicts(truth, 8, 150)
    assert found.on_one_metric.share < 0.05 + 4 * found.on_one_metric.error


@pytest.mark.parametrize("seeds", [6, 8, 12])
def test_seeds_that_fall_to_one_side_are_called_equivalent_no_more_often_than_is_meant(seeds: int) -> None:
    for spread in LOPSIDED:
        found = equivalences(seeds, spread, -FAR, FAR, 1500)["verdict"]
        # Where a fifth of the seeds fall, no sample of twelve is sure of them: up to 3.5 %.
        meant = 0.035 if "1 seed in 5" in spread else 0.025
        assert found.share < meant + 4 * found.error, spread


@pytest.mark.parametrize("seeds", [6, 8, 12])
def test_seeds_that_fall_to_one_side_pass_the_gate_no_more_often_than_is_meant(seeds: int) -> None:
    for spread in LOPSIDED:
        found = non_inferiorities(seeds, spread, -FAR, FAR, 1500)["gate"]
        meant = 0.065 if "1 seed in 5" in spread else 0.05
        assert found.share < meant + 4 * found.error, spread


def test_the_gate_passes_where_the_margin_is_wide() -> None:
    assert non_inferiorities(8, "normal", 0.0, 3.0, 300)["gate"].share > 0.95


def test_equivalence_is_found_where_the_margin_is_wide() -> None:
    assert equivalences(8, "normal", 0.0, 3.0, 300)["verdict"].share > 0.95


def test_the_whole_procedure_finds_what_is_there() -> None:
    far = simulation.Truth("far", (0.5,) * simulation.ARMS, 0.1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(simulation, "TRUTHS", (far,))
        assert verdicts(far, 8, 20).found.share == 1.0


def test_the_page_is_written_with_its_figures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rate = Rate(19, 20)
    monkeypatch.setattr(simulation, "coverage", lambda *_: rate)
    monkeypatch.setattr(simulation, "nested_coverage", lambda *_: rate)
    monkeypatch.setattr(simulation, "bootstrap_coverage", lambda *_: rate)
    monkeypatch.setattr(simulation, "pseudo_replication", lambda *_: {"all images pooled": rate})
    monkeypatch.setattr(simulation, "equivalences", lambda *_: {"verdict": rate})
    monkeypatch.setattr(simulation, "non_inferiorities", lambda *_: {"gate": rate})
    monkeypatch.setattr(simulation, "verdicts", lambda *_: simulation.Procedure(rate, rate, rate))
    simulation.main(["--quick", "--out", str(tmp_path)])
    page = (tmp_path / "README.md").read_text()
    assert "95.0 %" in page
    assert all((tmp_path / name).exists() for name in ("figures/coverage.svg", "figures/false_positives.svg"))
    assert all(f"({name})" in page for name in ("figures/coverage.svg", "figures/false_positives.svg"))
