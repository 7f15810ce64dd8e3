from __future__ import annotations

import importlib
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ablate.analysis import read_study
from ablate.report.document import Gallery, Section
from ablate.report.evidence import Evidence
from ablate.report.sections.images import ARMS, images
from ablate.report.sections.strip import strip
from ablate.report.sections.verdict import verdict
from ablate.store import Store
from tests.fabricated_store import Fabrication, drawn_images, fabricate

AXES = {"loss.lambda_x": [12.0, 48.0]}


def section(store: Store) -> Section:
    return images(Evidence(read_study(store), store))


def gallery(found: Section) -> Gallery:
    return next(block for block in found.blocks if isinstance(block, Gallery))


def pixels(png: bytes | None) -> np.ndarray:
    assert png is not None
    with Image.open(io.BytesIO(png)) as image:
        return np.asarray(image)


def test_every_arm_shows_the_same_window_as_the_original_pixel_for_pixel(tmp_path: Path) -> None:
    store = fabricate(tmp_path, Fabrication(axes=AXES, seeds=[0], images=drawn_images((300, 420), count=1)))
    found = section(store)
    (image,) = gallery(found).images
    window = found.numbers["images"][0]["window"]
    assert (window["width"], window["height"]) == image.crop == (256, 256)
    rows = slice(window["top"], window["top"] + 256)
    columns = slice(window["left"], window["left"] + 256)
    assert np.array_equal(pixels(image.original.png), drawn_images((300, 420))["wave-0.png"][rows, columns])
    with Image.open(store.cell("000000000001").recon("ema", "wave-0.png")) as whole:
        assert np.array_equal(pixels(image.tiles[1].png), np.asarray(whole)[rows, columns])


def test_the_values_under_a_crop_are_those_of_its_image(tmp_path: Path) -> None:
    store = fabricate(tmp_path, Fabrication(axes=AXES, seeds=[0]))
    found = section(store)
    shown = found.numbers["images"][0]
    # The images of a made-up cell lie 1.5 dB apart, the middle one at its mean.
    result = store.cell("000000000000").result()
    assert result is not None
    assert shown["image"] == "wave-1.png"
    assert abs(shown["arms"][0]["psnr"] - result.metrics["ema"]["psnr"]) < 1e-9
    assert gallery(found).images[0].tiles[0].lines[0].startswith(f"{shown['arms'][0]['psnr']:.2f} dB, 0.0")


def test_an_arm_that_stands_in_for_the_baseline_goes_by_its_own_name(tmp_path: Path) -> None:
    compare = {"baseline": {"loss.lambda_x": 12.0}}
    store = fabricate(tmp_path, Fabrication(axes=AXES, seeds=[0], status={0: "diverged"}, compare=compare))
    shown = gallery(section(store)).images
    assert shown[0].rule == "median PSNR under lambda_x=48"
    assert not any("baseline" in line for image in shown for tile in image.whole for line in tile.lines)


def test_one_arm_alone_differs_from_none(tmp_path: Path) -> None:
    found = section(fabricate(tmp_path, Fabrication(axes={}, seeds=[0])))
    assert [each.rule.split()[0] for each in gallery(found).images] == ["median", "worst"]
    assert not any("arms differ most" in str(block) for block in found.blocks)


def test_an_arm_without_an_image_keeps_its_place_and_says_why(tmp_path: Path) -> None:
    store = fabricate(tmp_path, Fabrication(axes=AXES, seeds=[0], status={1: "diverged"}))
    tiles = gallery(section(store)).images[0].tiles
    assert [tile.png is None for tile in tiles] == [False, True]
    assert tiles[1].missing == "diverged: non-finite loss at step 375"


def test_missing_reconstructions_and_originals_are_said_and_not_fatal(tmp_path: Path) -> None:
    store = fabricate(tmp_path, Fabrication(axes=AXES, seeds=[0]))
    for path in (tmp_path / "images").rglob("*.png"):
        path.unlink()
    store.cell("000000000001").recon("ema", "wave-1.png").unlink()
    found = section(store)
    assert any("The original images could not be read" in getattr(block, "plain", "") for block in found.blocks)
    image = gallery(found).images[0]
    assert image.original.png is None
    assert image.tiles[1].missing == "its PNG is no longer in the store"


def test_too_many_arms_are_thinned_out_by_a_rule_that_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.import_module("ablate.report.sections.images"), "ARMS", 4)
    axes = {"loss.lambda_x": [float(2**k) for k in range(9)]}
    found = section(fabricate(tmp_path, Fabrication(axes=axes, seeds=[0], images=drawn_images(count=1))))
    names = [tile.name for tile in gallery(found).images[0].tiles]
    assert len(names) == 4 < ARMS
    assert {"lambda_x=1", "lambda_x=256"} <= set(names)
    assert found.numbers["rule"].startswith("4 of 9 arms are shown: the baseline, the best and the worst on PSNR")


def test_images_lost_altogether_are_no_reason_to_fail(tmp_path: Path) -> None:
    store = fabricate(tmp_path, Fabrication(axes=AXES, seeds=[0], recon=False))
    for path in (tmp_path / "images").rglob("*.png"):
        path.unlink()
    found = section(store)
    assert found.numbers["images"] == []
    assert "for wave-1.png, wave-0.png and wave-2.png" in str(found.blocks)


def test_a_baseline_that_reproduces_every_image_exactly_leaves_no_image_to_show_first(
    tmp_path: Path,
) -> None:
    store = fabricate(tmp_path, Fabrication(axes=AXES, seeds=[0]))
    evidence = Evidence(read_study(store), store)
    evidence.per_image.values["lambda_x=12"][:] = np.nan
    assert strip(evidence, evidence.winners) is None
    assert verdict(evidence).blocks
