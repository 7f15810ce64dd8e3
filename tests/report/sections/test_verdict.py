from __future__ import annotations

from pathlib import Path

from ablate.analysis import read_study
from ablate.report.evidence import Evidence
from ablate.report.sections.verdict import verdict
from tests.fabricated_store import Fabrication, fabricate


def sentences(root: Path, what: Fabrication) -> list[str]:
    store = fabricate(root, what)
    return list(verdict(Evidence(read_study(store), store)).numbers["sentences"])


def test_the_first_sentence_names_the_best_arm_and_doubts_a_lead_that_may_be_chance(tmp_path: Path) -> None:
    # In the made-up world quality rises by 0.7 dB as lambda_x doubles, and a seed moves it by 0.08 dB.
    first = sentences(tmp_path, Fabrication(axes={"loss.lambda_x": [12.0, 12.01]}, recon=False))[0]
    assert "not separable from the runner-up at 2 seeds" in first


def test_a_lead_that_every_seed_agrees_on_is_not_doubted(tmp_path: Path) -> None:
    axes = {"loss.lambda_x": [12.0, 96.0]}
    what = Fabrication(axes=axes, seeds=range(4), compare={"primary": ["psnr"]}, recon=False)
    first = sentences(tmp_path, what)[0]
    assert first.startswith("Among 2 arms compared, lambda_x=96 has the highest PSNR.")
    assert "not separable" not in first


def test_only_declared_metrics_decide(tmp_path: Path) -> None:
    what = Fabrication(axes={"loss.lambda_x": [12.0, 96.0]}, compare={"primary": ["fd_lite0_112"]}, recon=False)
    first = sentences(tmp_path, what)[0]
    assert "lambda_x=12 has the lowest FD-Lite0-112" in first
    assert "PSNR" not in first


def test_enough_seeds_for_one_comparison_are_not_enough_for_many(tmp_path: Path) -> None:
    axes = {"loss.lambda_x": [6.0, 12.0, 24.0, 48.0]}
    what = Fabrication(axes=axes, seeds=range(6), compare={"primary": ["psnr"]}, recon=False)
    assert any(
        "but not 0.05 once Holm accounts for 3 comparisons; 7 seeds would" in s for s in sentences(tmp_path, what)
    )


def test_a_level_beyond_the_three_strongest_is_counted_and_not_listed(tmp_path: Path) -> None:
    axes = {"loss.lambda_x": [3.0, 6.0, 12.0, 24.0, 48.0, 96.0]}
    moved = [each for each in sentences(tmp_path, Fabrication(axes=axes, recon=False)) if each.startswith("lambda_x ")]
    assert len(moved) == 3
    assert moved[-1].endswith("(2 other levels moved it less.)")


def test_six_seeds_have_p_values_and_two_have_none(tmp_path: Path) -> None:
    axes = {"loss.lambda_x": [12.0, 48.0]}
    six = Fabrication(axes=axes, seeds=range(6), compare={"primary": ["psnr"]}, recon=False)
    assert any("p = 0.031 (Holm)" in each for each in sentences(tmp_path / "six", six))
    assert not any("(Holm)" in each for each in sentences(tmp_path / "two", Fabrication(axes=axes, recon=False)))
