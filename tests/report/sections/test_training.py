from __future__ import annotations

from pathlib import Path
from unittest import mock

import numpy as np
import pytest

from ablate.analysis import read_study
from ablate.report.document import Figure, Text
from ablate.report.evidence import Evidence
from ablate.report.sections.telemetry import telemetry
from ablate.report.sections.training import LINES, _bundles, training
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
    captions = [block.caption for block in section.blocks if isinstance(block, Figure)]
    assert any("because the arms are too many" in caption for caption in captions)


@pytest.mark.parametrize(
    "axes",
    [
        {"discriminator.norm": [f"norm{number}" for number in range(12)]},
        {"discriminator.scales": [1, 2], "loss.lambda_x": [float(2**k) for k in range(6)]},
    ],
)
def test_no_two_lines_of_a_panel_look_alike(tmp_path: Path, axes: dict[str, list[object]]) -> None:
    found = evidence(tmp_path, Fabrication(axes=axes, seeds=[0], recon=False, log_points=2))
    lines = _bundles(found, found.study.cells)
    assert len({(line.style.colour, line.style.line) for line in lines}) == len(lines) == 12


def test_the_caption_says_where_a_line_is_the_mean_of_several_arms(tmp_path: Path) -> None:
    axes = {"discriminator.scales": [1, 3], "loss.lambda_x": [12.0, 48.0], "model.channels": [4, 8]}
    section = training(evidence(tmp_path, Fabrication(axes=axes, seeds=[0], recon=False, log_points=2)))
    caption = next(block.caption for block in section.blocks if isinstance(block, Figure) and block.name == "losses")
    assert caption.startswith("Mean over all cells that the key names alike, shaded")


def test_rows_whose_lines_look_alike_have_a_key_each(tmp_path: Path) -> None:
    axes = {"loss.adversarial": ["lsgan", "hinge"], "discriminator.scales": [1, 3]}
    section = training(evidence(tmp_path, Fabrication(axes=axes, seeds=[0], recon=False)))
    drawn = {block.name: block.svg for block in section.blocks if isinstance(block, Figure)}
    # The distortion's gradient and the first number of scales are both blue.
    assert drawn["gradients"].count(">gradient norm<") == drawn["gradients"].count(">adv. : distortion<") == 2
    assert drawn["losses"].count(">distortion<") == 1


def test_a_key_is_no_wider_than_its_drawing(tmp_path: Path) -> None:
    axes = {"discriminator.norm": [f"norm{number}" for number in range(12)]}
    found = evidence(tmp_path, Fabrication(axes=axes, seeds=[0], recon=False, log_points=2))
    with mock.patch("ablate.report.figures.to_svg", return_value="") as drawn:
        training(found)
    for canvas in (call.args[0] for call in drawn.call_args_list):
        canvas.draw_without_rendering()
        assert all(key.get_window_extent().x1 <= canvas.bbox.x1 for key in canvas.legends)


def test_more_loss_types_than_fit_a_row_get_further_drawings_on_the_same_scale(tmp_path: Path) -> None:
    names = ["vanilla", "lsgan", "hinge", "minimax", "lsgan_chi2", "rp_vanilla", "ra_lsgan", "rc_hinge"]
    section = training(evidence(tmp_path, Fabrication(axes={"loss.adversarial": names}, seeds=[0], recon=False)))
    drawn = [block.name for block in section.blocks if isinstance(block, Figure)]
    assert drawn == ["losses", "losses-2", "accuracy", "accuracy-2", "gradients", "gradients-2"]
    assert {each["loss"] for each in section.numbers["curves"]} == set(names)


def test_the_gradient_ratio_is_the_geometric_mean_over_cells(tmp_path: Path) -> None:
    found = evidence(tmp_path, Fabrication(axes={"loss.lambda_x": [12.0]}, seeds=[0, 1], recon=False))
    own, other = (found.curves.values[f"gradient_norm.{term}"] for term in ("adversarial", "distortion"))
    ratios = np.array([own[cell] / other[cell] for cell in own])
    (line,) = [each for each in training(found).numbers["curves"] if each["quantity"] == "gradient ratio"]
    assert np.allclose(line["values"], np.sqrt(ratios[0] * ratios[1]))


def test_what_went_wrong_is_drawn_with_its_step_and_a_quiet_grid_says_so(tmp_path: Path) -> None:
    axes = {"loss.adversarial": ["lsgan", "hinge"]}
    quiet = training(evidence(tmp_path / "quiet", Fabrication(axes=axes, recon=False)))
    assert any("None of 4 trainings diverged" in block.plain for block in quiet.blocks if isinstance(block, Text))
    one = training(evidence(tmp_path / "one", Fabrication(axes={}, seeds=[0], recon=False)))
    assert any(block.plain.startswith("The one training neither") for block in one.blocks if isinstance(block, Text))
    what = Fabrication(axes=axes, status={0: "diverged"}, recon=False)
    loud = training(evidence(tmp_path / "loud", what))
    said = [block.plain for block in loud.blocks if isinstance(block, Text)]
    assert said == ["Of 4 trainings: a loss that is not finite in 1 training."]
    assert next(block.name for block in loud.blocks if isinstance(block, Figure)) == "events"


def test_telemetry_counts_what_diverged_and_its_events(tmp_path: Path) -> None:
    axes = {"loss.adversarial": ["lsgan", "hinge"]}
    lsgan, hinge = telemetry(evidence(tmp_path, Fabrication(axes=axes, status={0: "diverged"}, recon=False)))
    assert (lsgan["ended"], lsgan["diverged"], lsgan["events"]) == (2, 1, {"nonfinite": 1})
    assert (hinge["diverged"], hinge["events"]) == (0, {})
    assert hinge["scale1.accuracy_real"] > 0.7
