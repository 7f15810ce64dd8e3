from __future__ import annotations

from pathlib import Path

import pytest

from ablate.analysis import read_study
from ablate.report.evidence import Encoding, Evidence
from ablate.report.looks import legends, looks
from ablate.report.svg import drawing
from tests.fabricated_store import Fabrication, fabricate

LOSSES = ["vanilla", "minimax", "lsgan", "lsgan_half", "lsgan_chi2", "hinge", "wgan", "rp_vanilla", "ra_hinge", "f_js"]


@pytest.mark.parametrize(
    "axes", [{"loss.adversarial": LOSSES, "discriminator.scales": [1, 3]}, {"loss.adversarial": LOSSES}]
)
def test_no_two_arms_look_alike_where_losses_outnumber_the_hues(tmp_path: Path, axes: dict[str, list[object]]) -> None:
    store = fabricate(tmp_path, Fabrication(axes=axes, seeds=[0], recon=False, log_points=2))
    evidence = Evidence(read_study(store), store)
    encoding = Encoding.of(evidence.study.axes)
    dressed = looks(evidence, encoding)
    assert len(dressed) == len(evidence.finished)
    assert len(set(dressed.values())) == len(dressed)
    with drawing("key"):
        from matplotlib.figure import Figure

        canvas = Figure()
        legends(canvas, evidence, encoding)
        handles = canvas.legends[0].legend_handles
        keyed = {(h.get_markeredgecolor(), h.get_markerfacecolor(), h.get_marker()) for h in handles}
    assert len(keyed) == len(LOSSES)
