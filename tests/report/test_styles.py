from __future__ import annotations

from pathlib import Path

import pytest

from ablate.analysis import Axis, read_study
from ablate.report.evidence import Evidence
from ablate.report.figures import Style
from ablate.report.sections.training import _bundles
from ablate.report.styles import BESIDE, Encoding, arm_key, arm_styles, line_style, short_name
from ablate.report.svg import MUTED, drawing
from tests.fabricated_store import Fabrication, fabricate

LOSSES = ["vanilla", "minimax", "lsgan", "lsgan_half", "lsgan_chi2", "hinge", "wgan", "rp_vanilla", "ra_hinge", "f_js"]


@pytest.mark.parametrize(
    "axes", [{"loss.adversarial": LOSSES, "discriminator.scales": [1, 3]}, {"loss.adversarial": LOSSES}]
)
def test_no_two_arms_look_alike_where_losses_outnumber_the_hues(tmp_path: Path, axes: dict[str, list[object]]) -> None:
    store = fabricate(tmp_path, Fabrication(axes=axes, seeds=[0], recon=False, log_points=2))
    evidence = Evidence(read_study(store), store)
    encoding = Encoding.of(evidence.study.axes)
    styles = arm_styles(evidence, encoding)
    assert len(styles) == len(evidence.finished)
    assert len(set(styles.values())) == len(styles)
    with drawing("key"):
        from matplotlib.figure import Figure

        canvas = Figure()
        arm_key(canvas, evidence, encoding)
        handles = canvas.legends[0].legend_handles
        keyed = {(h.get_markeredgecolor(), h.get_markerfacecolor(), h.get_marker()) for h in handles}
    assert len(keyed) == len(LOSSES)


def test_an_arm_beside_the_axes_is_none_of_their_points_though_it_has_a_level_of_each(tmp_path: Path) -> None:
    axes: dict[str, list[object]] = {"loss.adversarial": ["lsgan", "hinge"], "discriminator.scales": [1, 3]}
    control = {"loss.adversarial": "lsgan", "discriminator.scales": 3, "loss.adversarial_weight": 0.0}
    what = Fabrication(axes=axes, seeds=[0], beside={"control": control}, recon=False, log_points=2)
    store = fabricate(tmp_path, what)
    evidence = Evidence(read_study(store), store)
    styles = arm_styles(evidence, Encoding.of(evidence.study.axes))
    assert styles["control"] == Style(MUTED, "*")
    assert len(set(styles.values())) == 5
    names = {short_name(evidence, arm.name, arm.axes) for arm in evidence.study.arms}
    assert names == {"lsgan · 1 (baseline)", "lsgan · 3", "hinge · 1", "hinge · 3", "control"}
    curves = {each.label for each in _bundles(evidence, evidence.study.cells)}
    assert curves == {"scales 1", "scales 3", BESIDE}


def test_no_two_curves_look_alike_until_lines_and_markers_are_used_up() -> None:
    axes = (Axis(("a",), "a", tuple("123456789"), "1"), Axis(("b",), "b", ("x", "y"), "x"))
    found = {line_style(axes, (one, other)) for one in axes[0].levels for other in axes[1].levels}
    assert len(found) == 18
    assert line_style(axes, ("1", "x")).colour == line_style(axes, ("1", "y")).colour
    assert line_style((), ()).line == "-"
