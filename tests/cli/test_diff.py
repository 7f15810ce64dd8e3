from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ablate.store import Store
from tests.fabricated_store import Fabrication, fabricate
from tests.made import reseal

AXES = {"loss.adversarial": ["lsgan", "hinge"], "loss.lambda_x": [12.0, 48.0]}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return fabricate(tmp_path, Fabrication(axes=AXES, seeds=[0], status={3: "pending"}))


def told(ablate_in: Any, *arguments: str) -> dict[str, Any]:
    result = ablate_in("diff", *arguments, "--json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def test_settings_and_metrics_of_both_cells_are_told_with_the_gap_over_images(ablate_in: Any, store: Store) -> None:
    found = told(ablate_in, "000000000000", "adversarial=lsgan lambda_x=48 seed=0")
    assert found["settings"] == {"loss.lambda_x": [12.0, 48.0]}
    assert found["first"]["label"] == "adversarial=lsgan lambda_x=12 seed=0"
    psnr = found["metrics"]["psnr"]
    # In the made-up world every image gains alike, so that the interval is the gap itself.
    assert psnr["difference"] == pytest.approx(psnr["second"] - psnr["first"])
    assert psnr["low"] == pytest.approx(psnr["high"])
    assert (psnr["images"], psnr["outcome"]) == (3, "better")
    assert set(psnr["by_image"]) == {"wave-0.png", "wave-1.png", "wave-2.png"}


def test_a_distance_without_replicates_has_no_interval_and_says_so(ablate_in: Any, store: Store) -> None:
    distance = told(ablate_in, "000000000000", "000000000001")["metrics"]["fd_lite0_112"]
    assert distance["low"] is None
    assert distance["outcome"] == "no interval"


def test_a_distance_is_judged_by_leaving_out_images(ablate_in: Any, store: Store) -> None:
    for cell, values in (("000000000000", (10.0, 12.0, 14.0)), ("000000000001", (11.0, 13.5, 14.5))):
        rows = "".join(f"ema,wave-{n}.png,{n},{value}\n" for n, value in enumerate(values))
        store.cell(cell).jackknife_csv.write_text(f"weights,image,group,fd_lite0_112\n{rows}")
    distance = told(ablate_in, "000000000000", "000000000001")["metrics"]["fd_lite0_112"]
    # Replicates of the difference: 1, 1.5, 0.5; jackknife variance 2/3 * (0 + 0.25 + 0.25).
    half = 4.302652729911275 * (2 / 3 * 0.5) ** 0.5
    assert distance["high"] - distance["difference"] == pytest.approx(half)


def test_an_image_without_patches_is_no_evidence_of_a_distance(ablate_in: Any, store: Store) -> None:
    for cell, values in (("000000000000", (10.0, 12.0, 14.0)), ("000000000001", (11.0, 13.5, 14.5))):
        rows = "".join(f"ema,wave-{n}.png,{n},{value}\n" for n, value in enumerate(values)) + "ema,small.png,,\n"
        store.cell(cell).jackknife_csv.write_text(f"weights,image,group,fd_lite0_112\n{rows}")
    distance = told(ablate_in, "000000000000", "000000000001")["metrics"]["fd_lite0_112"]
    assert distance["images"] == 3
    assert distance["high"] is not None


def test_figures_of_other_protocols_are_not_subtracted(ablate_in: Any, store: Store) -> None:
    reseal(store.cell("000000000001"), lambda result: result["protocol"]["fd_lite0_112"].update(patches=99))
    distance = told(ablate_in, "000000000000", "000000000001")["metrics"]["fd_lite0_112"]
    assert (distance["difference"], distance["outcome"]) == (None, "not comparable")
    assert distance["incomparable"] == "patches: 412 and 99"
    assert "not comparable: patches: 412 and 99" in ablate_in("diff", "000000000000", "000000000001").stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("0", "000000000001"), "means 4 cells"),
        (("zz", "000000000001"), "has the label or id 'zz'"),
        (("000000000001", "made-up:000000000001"), "are the same cell"),
        (("000000000003", "000000000001"), "is pending, so it has no results yet"),
        (("000000000000", "000000000001", "--weights", "best"), "unknown weights 'best'"),
    ],
)
def test_what_cannot_be_compared_is_refused_in_a_sentence(
    ablate_in: Any, store: Store, arguments: tuple[str, ...], said: str
) -> None:
    result = ablate_in("diff", *arguments)
    assert result.exit_code == 2
    assert said in result.stderr


def test_two_grids_are_searched_and_told_apart(ablate_in: Any, store: Store, tmp_path: Path) -> None:
    fabricate(tmp_path, Fabrication("other", axes=AXES, seeds=[0], first=100, recon=False, settings={"train.steps": 5}))
    label = "adversarial=hinge lambda_x=12 seed=0"
    assert "means 2 cells" in ablate_in("diff", label, "000000000001").stderr
    found = told(ablate_in, f"made-up:{label}", f"other:{label}")
    assert found["settings"] == {"train.steps": [1000, 5]}


def test_a_page_with_the_reconstructions_is_written_where_it_is_asked_for(ablate_in: Any, store: Store) -> None:
    result = ablate_in("diff", "000000000000", "000000000001", "--out", "told")
    assert result.exit_code == 0, result.stderr
    page = Path("told/report.html").read_text()
    assert page.count('class="image"') == 3
    assert "largest gain" in page
    assert "median difference" in page
    assert json.loads(Path("told/report.json").read_text())["difference"]["settings"] == {"loss.lambda_x": [12.0, 48.0]}


def test_without_the_test_images_the_numbers_still_stand(ablate_in: Any, store: Store, tmp_path: Path) -> None:
    for path in (tmp_path / "images").rglob("*.png"):
        path.unlink()
    result = ablate_in("diff", "000000000000", "000000000001", "--out", "told")
    assert result.exit_code == 0
    assert "the test images could not be read" in result.stderr
    assert "cannot be read any more" in Path("told/report.html").read_text()
