from __future__ import annotations

from pathlib import Path

import numpy as np

from ablate.analysis import Scatter, read_study
from ablate.analysis.rate_curves import rate_axis
from ablate.report.document import Figure, Section, Table, Text
from ablate.report.evidence import Evidence
from ablate.report.sections.frontier_figure import _stairs
from ablate.report.sections.rate_curves import curves
from ablate.report.sections.tradeoff import tradeoff, tradeoff_figure
from tests.fabricated_store import Fabrication, fabricate


def section(root: Path, what: Fabrication) -> Section:
    store = fabricate(root, what)
    return tradeoff(Evidence(read_study(store), store))


def test_the_front_is_told_with_its_certainty(tmp_path: Path) -> None:
    found = section(tmp_path, Fabrication(seeds=[0, 1, 2], recon=False))
    chances = {each["arm"]: each for each in found.numbers["chances"]}
    assert len(chances) == 12
    # In the made-up world hinge is the best loss in both metrics, so that vanilla is never on the front.
    assert all(each["resampled"] == 0 for name, each in chances.items() if "vanilla" in name)
    assert all("hinge" in name for name in found.numbers["front"]["fd_lite0_112"])
    assert any(each["resampled"] > 0.9 for each in chances.values())


def test_the_better_loss_covers_more_of_the_plane_in_every_seed(tmp_path: Path) -> None:
    covered = section(tmp_path, Fabrication(seeds=[0, 1, 2], recon=False)).numbers["coverage"]
    levels = {row["level"]: row for row in covered if row["axis"] == "adversarial"}
    assert all(0 <= share <= 1 for row in covered for share in row["by_seed"].values())
    for seed in (0, 1, 2):
        shares = [levels[name]["by_seed"][seed] for name in ("vanilla", "lsgan", "hinge")]
        assert shares == sorted(shares)
    assert levels["hinge"]["difference"]["low"] > 0
    assert levels["vanilla"]["difference"] is None
    # lambda_x traces the trade-off, and has no level that could cover it alone.
    assert "lambda_x" not in {row["axis"] for row in covered}


def test_a_level_with_a_cell_still_to_run_has_no_hypervolume_in_that_seed(tmp_path: Path) -> None:
    covered = section(tmp_path, Fabrication(status={0: "pending", 3: "diverged"}, recon=False)).numbers["coverage"]
    vanilla = next(row for row in covered if row["level"] == "vanilla")
    assert list(vanilla["by_seed"]) == [1]


def test_a_caption_tells_of_single_seeds_where_they_are_drawn(tmp_path: Path) -> None:
    for seeds in (1, 2):
        what = Fabrication(axes={"loss.lambda_x": [12.0, 48.0]}, seeds=range(seeds), recon=False, log_points=2)
        store = fabricate(tmp_path / str(seeds), what)
        drawn = tradeoff_figure(Evidence(read_study(store), store))
        assert drawn is not None
        assert ("small: single seeds" in drawn.caption) == (seeds > 1)


def test_an_axis_that_moves_bits_gets_curves_with_bands(tmp_path: Path) -> None:
    axes = {"loss.adversarial": ["lsgan", "hinge"], "model.channels": [4, 8]}
    found = section(tmp_path, Fabrication(axes=axes, seeds=[0, 1, 2], recon=False))
    assert found.numbers["rate_axis"] == "channels"
    assert [block.name for block in found.blocks if isinstance(block, Figure)] == ["rate"]
    (line,) = [c for c in found.numbers["curves"] if c["metric"] == "psnr" and c["line"] == "adversarial hinge"]
    assert [point["level"] for point in line["points"]] == ["4", "8"]
    assert line["points"][0]["bpp"] < line["points"][1]["bpp"]
    assert all(point["low"] < point["mean"] < point["high"] and point["seeds"] == 3 for point in line["points"])


def test_no_two_curves_look_alike_where_settings_outnumber_the_hues(tmp_path: Path) -> None:
    axes = {"discriminator.norm": [f"norm{number}" for number in range(9)], "model.channels": [4, 8]}
    store = fabricate(tmp_path, Fabrication(axes=axes, seeds=[0], recon=False, log_points=2))
    evidence = Evidence(read_study(store), store)
    axis = rate_axis(evidence.study)
    assert axis is not None
    drawn = curves(evidence, axis, evidence.metrics["psnr"])
    assert len({curve.style for curve in drawn}) == len(drawn) == 9


def test_a_grid_at_one_rate_says_why_it_has_no_curve(tmp_path: Path) -> None:
    found = section(tmp_path, Fabrication(axes={"loss.lambda_x": [12.0, 48.0]}, recon=False))
    assert found.numbers["rate_axis"] is None
    assert any(
        "so there is no rate–distortion curve" in block.plain for block in found.blocks if isinstance(block, Text)
    )
    assert [table.name for table in found.blocks if isinstance(table, Table)] == ["front"]


def test_the_staircase_passes_through_the_front_and_leaves_everything_else_below(tmp_path: Path) -> None:
    store = fabricate(tmp_path, Fabrication(seeds=[0], recon=False))
    evidence = Evidence(read_study(store), store)
    plane = Scatter(evidence.finished, evidence.metrics["psnr"], evidence.metrics["fd_lite0_112"])
    corners = _stairs(plane)
    on_front = {plane.points[name][::-1] for name in plane.front}
    assert len(on_front) > 1
    assert on_front <= set(corners)
    xs = np.array([x for x, _ in corners])
    # From the best distance on it only goes to worse distances and better PSNR.
    assert (np.diff(xs) >= 0).all()
    assert (np.diff([y for _, y in corners]) >= 0).all()
    for psnr, distance in plane.points.values():
        reached = [y for x, y in corners if x <= distance]
        assert psnr <= max(reached, default=-np.inf)
