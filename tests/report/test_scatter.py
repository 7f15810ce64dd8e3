from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ablate.analysis import read_study
from ablate.report.evidence import Evidence
from ablate.report.scatter import Scatter
from tests.fabricated_store import Fabrication, fabricate


def scatter(root: Path, what: Fabrication) -> Scatter:
    store = fabricate(root, what)
    evidence = Evidence(read_study(store), store)
    return Scatter(evidence, evidence.metrics["psnr"], evidence.metrics["fd_lite0_112"])


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
