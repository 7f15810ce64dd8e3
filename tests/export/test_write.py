"""Curves and tables as others read them, and as they are read back."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

import pytest

from ablate.analysis import read_study
from ablate.evaluate.points_file import read_curve
from ablate.export.write import export
from ablate.records import Reference
from ablate.store import Store
from tests.analysis.studies import cell, study
from tests.fabricated_store import Fabrication, fabricate

AXES = {"loss.adversarial": ["lsgan", "hinge"], "model.channels": [4, 8]}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    root = tmp_path_factory.mktemp("export")
    made = fabricate(root, Fabrication(axes=AXES, recon=False, status={3: "diverged"}))
    (root / "points.csv").write_text("bpp,psnr\n0.05,22\n0.1,24\n")
    plan = made.plan()
    assert plan is not None
    reference = Reference.model_validate({"file": str(root / "points.csv"), "same_images": True})
    made.write_plan(plan.model_copy(update={"references": (reference,)}))
    return made


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_compressai_file_is_read_back(store: Store, tmp_path: Path) -> None:
    study = read_study(store)
    paths = export(study, store, "compressai", tmp_path)
    assert [path.name for path in paths] == ["adversarial=lsgan.json", "adversarial=hinge.json"]
    found = read_curve(paths[1], {}, model=None, dataset=None)
    assert found.model == "adversarial=hinge"
    for channels, point in zip((4, 8), found.points, strict=True):
        (arm,) = [arm for arm in study.arms if arm.axes == {"loss.adversarial": "hinge", "model.channels": channels}]
        assert point["bpp_actual"] == pytest.approx(arm.mean("bpp_actual"), rel=1e-12)
        assert point["psnr"] == pytest.approx(arm.mean("psnr"), rel=1e-12)
        assert point["fd_lite0_112"] == pytest.approx(arm.mean("fd_lite0_112"), rel=1e-12)


def test_each_set_of_images_is_a_curve_of_its_own_over_its_own_bits(tmp_path: Path) -> None:
    cells = [
        cell({"model.channels": channels}, 0, 20.0 + channels, bpp_actual=channels / 100,
             **{"psnr@kodak": 30.0 + channels, "bpp_actual@kodak": channels / 50})
        for channels in (2, 4)
    ]  # fmt: skip
    own, nothing = study(cells, {"model.channels": [2, 4]}), Store(tmp_path, "nothing")
    paths = export(own, nothing, "compressai", tmp_path)
    assert [path.name for path in paths] == ["made-up.json", "made-up@kodak.json"]
    curves = [read_curve(path, {}, model=None, dataset=None).points for path in paths]
    assert curves == [
        ({"bpp_actual": 0.02, "psnr": 22.0}, {"bpp_actual": 0.04, "psnr": 24.0}),
        ({"bpp_actual": 0.04, "psnr": 32.0}, {"bpp_actual": 0.08, "psnr": 34.0}),
    ]


def test_a_file_names_its_points_in_the_order_that_they_stand_in(tmp_path: Path) -> None:
    cells = [
        cell({"model.channels": channels}, 0, 20.0 + channels, bpp_actual=channels / 100,
             **{"psnr@kodak": 30.0 + channels, "bpp_actual@kodak": 1 / channels})
        for channels in (2, 4)
    ]  # fmt: skip
    own = study(cells, {"model.channels": [2, 4]})
    paths = export(own, Store(tmp_path, "nothing"), "compressai", tmp_path)
    told = [json.loads(path.read_text())["description"].rpartition(": ")[2] for path in paths]
    assert told == ["2, 4", "4, 2"]


def test_where_nothing_moves_the_bits_each_arm_is_a_curve(tmp_path: Path) -> None:
    store = fabricate(tmp_path, Fabrication(axes={"loss.adversarial": ["lsgan", "hinge"]}, recon=False))
    paths = export(read_study(store), store, "compressai", tmp_path / "out")
    assert [len(read_curve(path, {}, model=None, dataset=None).points) for path in paths] == [1, 1]


def test_tables_hold_cells_images_curves_and_other_codecs(store: Store, tmp_path: Path) -> None:
    study = read_study(store)
    paths = {path.stem: rows(path) for path in export(study, store, "csv", tmp_path)}
    assert list(paths) == ["cells", "images", "curves", "references"]
    cells = paths["cells"]
    assert len(cells) == 7 * 2 + 1
    (lost,) = [row for row in cells if row["status"] == "diverged"]
    assert lost["psnr"] == ""
    first = study.cells[0]
    (row,) = [row for row in cells if row["cell"] == first.id and row["weights"] == "ema"]
    assert float(row["psnr"]) == first.score("psnr")
    assert row["loss.adversarial"] == "lsgan"
    assert len(paths["images"]) == 7 * 2 * 3
    psnr = [row for row in paths["curves"] if row["metric"] == "psnr"]
    assert {row["seeds"] for row in psnr} == {"1", "2"}
    assert {row["not_comparable"] for row in paths["references"] if row["metric"] == "psnr"} == {"convention_unknown"}


def test_parquet_holds_the_same(store: Store, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    study = read_study(store)
    export(study, store, "csv", tmp_path)
    for path in export(study, store, "parquet", tmp_path):
        table = parquet.read_table(path).to_pylist()
        plain = rows(path.with_suffix(".csv"))
        assert [{key: "" if value is None else str(value) for key, value in row.items()} for row in table] == plain


def test_parquet_without_pyarrow_says_what_to_install(store: Store, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ValueError, match="pip install pyarrow"):
        export(read_study(store), store, "parquet", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_nothing_finished_is_nothing_to_write(tmp_path: Path) -> None:
    store = fabricate(tmp_path, Fabrication(axes=AXES, seeds=[0], status=dict.fromkeys(range(4), "pending")))
    with pytest.raises(ValueError, match="no cell of made-up has finished"):
        export(read_study(store), store, "csv", tmp_path / "out")
