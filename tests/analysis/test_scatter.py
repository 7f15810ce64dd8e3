from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from ablate.analysis import Scatter, read_study
from ablate.analysis.scatter import confidence_ellipse
from ablate.report.evidence import Evidence
from tests.fabricated_store import Fabrication, fabricate


def scatter(root: Path, what: Fabrication) -> Scatter:
    store = fabricate(root, what)
    evidence = Evidence(read_study(store), store)
    return Scatter(evidence.finished, evidence.metrics["psnr"], evidence.metrics["fd_lite0_112"])


def test_centred_seeds_keep_each_arms_mean_and_lose_what_all_arms_share(tmp_path: Path) -> None:
    found = scatter(tmp_path, Fabrication(axes={"loss.lambda_x": [12.0, 24.0, 48.0]}, seeds=[0, 1, 2, 3], recon=False))
    assert found.centred is not None
    raw = np.array([list(pairs.values()) for pairs in found.seeds.values()])
    centred = np.array([list(pairs.values()) for pairs in found.centred.values()])
    assert np.allclose(centred.mean(1), raw.mean(1))
    assert np.allclose(centred.mean(0), centred.mean((0, 1)))
    # Morey's factor: the spread is that of the arms' residuals, widened for the arms that shared the shift.
    residuals = raw - raw.mean(0) - raw.mean(1, keepdims=True) + raw.mean((0, 1))
    assert np.allclose((centred - centred.mean(1, keepdims=True)), residuals * (3 / 2) ** 0.5)


def test_arms_with_different_seeds_are_shown_as_they_are(tmp_path: Path) -> None:
    found = scatter(tmp_path, Fabrication(axes={"loss.lambda_x": [12.0, 48.0]}, status={0: "diverged"}, recon=False))
    assert found.centred is None
    assert found.shown == found.seeds


def test_gains_turn_both_metrics_so_that_more_is_better(tmp_path: Path) -> None:
    found = scatter(tmp_path, Fabrication(axes={"loss.lambda_x": [12.0]}, seeds=[0], recon=False))
    (quality, distance), (gain, other) = found.seeds["lambda_x=12"][0], found.gains["lambda_x=12"][0]
    assert (gain, other) == (pytest.approx(quality), pytest.approx(-distance))


def test_the_ellipse_holds_the_true_mean_as_often_as_it_says() -> None:
    random, n, inside = np.random.default_rng(0), 6, 0
    for _ in range(2000):
        points = random.multivariate_normal([0, 0], [[1, 0.6], [0.6, 2]], size=n)
        width, height, angle = confidence_ellipse([(float(x), float(y)) for x, y in points])
        x, y = -points.mean(0)
        turn = np.radians(angle)
        along, across = x * np.cos(turn) + y * np.sin(turn), -x * np.sin(turn) + y * np.cos(turn)
        inside += bool((2 * along / width) ** 2 + (2 * across / height) ** 2 <= 1)
    low, high = stats.binom.interval(0.999, 2000, 0.95)
    assert low <= inside <= high


def test_the_ellipse_of_a_line_lies_along_it() -> None:
    width, height, angle = confidence_ellipse([(float(k), float(k)) for k in range(6)])
    assert angle % 180 == pytest.approx(45)
    assert height == pytest.approx(0, abs=1e-6)
    assert width > 1


def test_an_arm_that_was_trained_against_what_measures_is_left_out(tmp_path: Path) -> None:
    whole = scatter(tmp_path, Fabrication(axes={"model.channels": [4, 8]}, recon=False))
    arm = whole.arms[0]
    for cell in arm.cells:
        cell.result.protocol["fd_lite0_112"]["trained_against"] = True
    assert set(whole.points) == {each.name for each in whole.arms} - {arm.name}
