from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from ablate.analysis import read_study
from ablate.report.document import Figure, Section, Table, Text
from ablate.report.evidence import Evidence
from ablate.report.reference_points import reference_points
from ablate.report.sections.anchors import anchors
from tests import fabricated_store
from tests.fabricated_store import Fabrication, drawn_images, fabricate

AXES = {"loss.adversarial": ["lsgan", "hinge"]}


def section(root: Path, **what: object) -> Section:
    store = fabricate(root, Fabrication(axes=AXES, recon=False, **what))
    evidence = Evidence(read_study(store), store)
    if points := reference_points(evidence):
        points.references.measure()
    return anchors(evidence)


def lead(found: Section) -> str:
    return next(block.plain for block in found.blocks if isinstance(block, Text))


def rows(found: Section) -> list[list[str]]:
    (table,) = [block for block in found.blocks if isinstance(block, Table)]
    return [[value.text for value in row] for row in table.rows]


def test_where_the_formats_have_files_they_stand_beside_the_arms(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setitem(fabricated_store.BITS, 8, 4.0)
    found = section(tmp_path, images=drawn_images((170, 180)))
    assert list(found.numbers["at_arms"]) == ["adversarial=lsgan", "adversarial=hinge"]
    jpeg = found.numbers["at_arms"]["adversarial=lsgan"]["JPEG"]
    assert 0 < jpeg["bpp_actual"] <= 4.1
    assert f"JPEG has {jpeg['psnr']:.2f} dB, and WebP has" in lead(found)
    shown = rows(found)
    assert [row[1] for row in shown] == ["this codec", "JPEG", "WebP"] * 2
    assert shown[1][2] == f"{jpeg['bpp_actual']:.4f}"
    assert shown[1][3] == f"{jpeg['psnr']:.2f}"
    (drawn,) = [block for block in found.blocks if isinstance(block, Figure)]
    assert all(f">{name}<" in drawn.svg for name in ("JPEG", "WebP"))
    assert "adversarial=hinge: " in drawn.svg
    for curve in found.numbers["curves"].values():
        bits = [record["bpp_actual"] for record in curve]
        assert bits == sorted(set(bits))
        assert len(bits) > 2
        assert bits[0] == curve[0]["smallest"], "it begins where the format does"


def test_bits_below_every_file_are_said_to_have_none(tmp_path: Path) -> None:
    found = section(tmp_path)
    record = found.numbers["at_arms"]["adversarial=lsgan"]["WebP"]
    assert record["psnr"] is None
    assert f"WebP has no file so small for 3 of 3 images (its smallest files take {record['smallest']:.4f}" in lead(
        found
    )
    assert [row[2] for row in rows(found)[1:3]] == ["no such file"] * 2
    assert rows(found)[1][3:] == ["–"] * len(rows(found)[1][3:])


def test_images_that_are_gone_are_a_warning(tmp_path: Path) -> None:
    store = fabricate(tmp_path, Fabrication(axes=AXES, recon=False))
    shutil.rmtree(tmp_path / "images" / "test")
    found = anchors(Evidence(read_study(store), store))
    (said,) = found.blocks
    assert isinstance(said, Text)
    assert said.kind == "warning"
    assert "cannot be set beside the arms on the test images: " in said.plain


def test_a_report_measures_nothing_and_says_which_command_does(tmp_path: Path, monkeypatch) -> None:
    from ablate.evaluate import reference_measurer

    def refuse(*_: object) -> None:
        raise AssertionError("measured")

    monkeypatch.setattr(reference_measurer, "Measurer", refuse)
    store = fabricate(tmp_path, Fabrication(axes=AXES, recon=False))
    found = anchors(Evidence(read_study(store), store))
    assert lead(found) == (
        f"JPEG and WebP were not measured at these bits yet; ablate references made-up -C {store.root} measures them."
    )
    assert found.numbers == {"at_arms": {}, "curves": {}}


def test_without_a_finished_cell_there_is_nothing_to_set_beside(tmp_path: Path) -> None:
    found = section(tmp_path, seeds=[0], status={0: "failed", 1: "pending"})
    assert "No cell has finished" in lead(found)


def test_the_limits_are_the_arms_bytes_of_each_image(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setitem(fabricated_store.BITS, 8, 4.0)
    store = fabricate(tmp_path, Fabrication(axes=AXES, recon=False))
    evidence = Evidence(read_study(store), store)
    points = reference_points(evidence)
    assert points is not None
    seen = points.references.limits
    bits = evidence.rate_per_image
    expected = np.floor(bits.values["adversarial=lsgan"].mean(axis=0) * 72 * 88 / 8 + 1e-6)
    assert seen["bits of adversarial=lsgan"] == pytest.approx(expected)
    assert seen["smallest files"] is None
    assert seen["4 bit/pixel"] == [4 * 72 * 88 // 8] * 3
