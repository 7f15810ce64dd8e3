from __future__ import annotations

from pathlib import Path

import pytest

from ablate.analysis import Winner, read_study
from ablate.report.evidence import Evidence
from ablate.report.sections.limits import limits
from tests.fabricated_store import Fabrication, fabricate


def said(root: Path, winner: str) -> list[str]:
    store = fabricate(root, Fabrication(axes={"model.channels": [4, 8]}, recon=False))
    won = Winner("psnr", winner, {0: 20.0}, 20.0, None, None)
    return [each.plain for each in limits(Evidence(read_study(store), store), [won])]


@pytest.mark.parametrize(("winner", "warned"), [("channels=8", True), ("channels=4", False)])
def test_a_winner_that_spends_more_bits_than_the_baseline_is_not_compared_at_equal_bits(
    tmp_path: Path, winner: str, warned: bool
) -> None:
    assert any("more bits than the baseline" in each for each in said(tmp_path, winner)) == warned


def test_the_size_of_the_test_set_is_always_told(tmp_path: Path) -> None:
    assert any("All values rest on 3 held-out images" in each for each in said(tmp_path, "channels=8"))


@pytest.mark.parametrize("taught", [True, False])
def test_an_arm_trained_against_the_network_that_judges_it_is_named(tmp_path: Path, taught: bool) -> None:
    store = fabricate(tmp_path, Fabrication(axes={"model.channels": [4, 8]}, recon=False))
    study = read_study(store)
    cell = study.arms[1].cells[0]
    protocols = [protocol for name, protocol in cell.result.protocol.items() if name.startswith("fd_")]
    protocols[0]["trained_against"] = taught
    told = [each.plain for each in limits(Evidence(study, store), [])]
    assert any("channels=8 is trained against the network" in each for each in told) == taught


@pytest.mark.parametrize("several", [False, True])
def test_distances_are_told_from_the_fid(tmp_path: Path, several: bool) -> None:
    store = fabricate(tmp_path, Fabrication(axes={"model.channels": [4, 8]}, recon=False))
    study = read_study(store)
    for cell in study.cells if several else ():
        for found in cell.result.metrics.values():
            found["fd_lite0_112@validation"] = 3.0
    told = " ".join(each.plain for each in limits(Evidence(study, store), []))
    words = "(validation) are not the FID of the literature and compare" if several else "112 is not the FID of the"
    assert words in told
