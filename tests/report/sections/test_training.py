from __future__ import annotations

from pathlib import Path

from ablate.analysis import read_study
from ablate.report.evidence import Evidence
from ablate.report.sections.health import health
from ablate.report.sections.training import LINES, training
from tests.fabricated_store import Fabrication, fabricate


def evidence(root: Path, what: Fabrication) -> Evidence:
    store = fabricate(root, what)
    return Evidence(read_study(store), store)


def test_each_loss_type_has_its_own_curves_and_each_arm_its_line(tmp_path: Path) -> None:
    axes = {"loss.adversarial": ["lsgan", "hinge"], "loss.lambda_x": [12.0, 48.0]}
    curves = training(evidence(tmp_path, Fabrication(axes=axes, recon=False))).numbers["curves"]
    lines = {(each["loss"], each["line"]) for each in curves if each["quantity"] == "loss.distortion"}
    assert lines == {(loss, f"lambda_x {level}") for loss in ("lsgan", "hinge") for level in (12, 48)}


def test_too_many_arms_are_averaged_at_each_level(tmp_path: Path) -> None:
    axes = {"discriminator.scales": [1, 2, 3], "loss.lambda_x": [float(2**k) for k in range(1, 6)]}
    section = training(evidence(tmp_path, Fabrication(axes=axes, seeds=[0], recon=False)))
    lines = {each["line"] for each in section.numbers["curves"] if each["quantity"] == "loss.distortion"}
    assert lines == {"scales 1", "scales 2", "scales 3"}
    assert len(axes["discriminator.scales"]) * len(axes["loss.lambda_x"]) > LINES
    assert "because the arms are too many" in section.blocks[0].caption  # type: ignore[union-attr]


def test_health_counts_what_diverged_and_its_events(tmp_path: Path) -> None:
    axes = {"loss.adversarial": ["lsgan", "hinge"]}
    lsgan, hinge = health(evidence(tmp_path, Fabrication(axes=axes, status={0: "diverged"}, recon=False)))
    assert (lsgan["ended"], lsgan["diverged"], lsgan["events"]) == (2, 1, {"nonfinite": 1})
    assert (hinge["diverged"], hinge["events"]) == (0, {})
    assert hinge["scale1.accuracy_real"] > 0.7
