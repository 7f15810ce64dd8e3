"""A cell that is given label maps, measured: the bits of the map are those of the file."""

from __future__ import annotations

from pathlib import Path

import pytest

from ablate.codecs.build import build_codec
from ablate.codecs.trained import TrainedCodec
from ablate.config import Evaluation
from ablate.data import prepare
from ablate.evaluate.measure import measure
from ablate.sources.segmentation import CLASSES
from ablate.store import Store
from tests.train.conftest import MakeCell, images, make_cell, store

__all__ = ["images", "make_cell", "store"]


def test_the_bits_of_a_map_are_among_those_of_the_file_and_told_apart(
    make_cell: MakeCell, store: Store, tmp_path: Path
) -> None:
    found = {}
    for classes in (0, CLASSES):
        cell = make_cell(data={"maps": "segmentation"}, model={"map_classes": classes})
        codec = TrainedCodec.of(build_codec(cell.model, 0), cell.model, 0)
        test = prepare(cell.data, "test", tmp_path)
        evaluation = Evaluation(metrics=("bpp_side",))
        measured = measure({"ema": codec}, evaluation, test, store.cell(cell.id), cache=tmp_path, device="cpu")
        found[classes] = measured.metrics["ema"]
    assert found[0]["bpp_side"] == 0
    assert 0 < found[CLASSES]["bpp_side"] < found[CLASSES]["bpp_actual"]
    header = 8 * 6 / (176 * 192)  # kind, length, and the end of the fields
    more = found[CLASSES]["bpp_actual"] - found[0]["bpp_actual"]
    assert more == pytest.approx(found[CLASSES]["bpp_side"] + header)


def test_a_kept_region_is_measured_apart_and_is_what_a_selective_codec_sends(
    make_cell: MakeCell, store: Store, tmp_path: Path
) -> None:
    found, protocols = {}, {}
    for selective in ("none", "random_box"):
        cell = make_cell(
            data={"maps": "segmentation"}, model={"selective": selective}, evaluation={"kept": "random_box"}
        )
        codec = TrainedCodec.of(build_codec(cell.model, 0), cell.model, 0)
        test = prepare(cell.data, "test", tmp_path)
        entry = store.cell(cell.id)
        measured = measure({"ema": codec}, cell.evaluation, test, entry, cache=tmp_path, device="cpu")
        found[selective], protocols[selective] = measured.metrics["ema"], measured.protocol
    assert found["random_box"]["bpp_actual"] < found["none"]["bpp_actual"]
    for each in found.values():
        share = each["bpp_actual"] / each["bpp_actual@kept"]
        assert 0 < share < 1
        assert each["psnr@kept"] != each["psnr"]
    assert protocols["none"]["psnr@kept"] == protocols["none"]["psnr"]
    assert all(facts["region"] == "random_box" for facts in protocols["none"].values())
