"""A cell whose discriminators judge frozen features: trained, resumed bit for bit, and not judged by its judge."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch

from ablate.config import Cell
from ablate.data import prepare
from ablate.networks import lite0
from ablate.store import Entry, Store
from ablate.train.preflight import preflight
from tests.train.conftest import MakeCell
from tests.train.test_run import resumed_like_undisturbed, train

FEATURES = {"kind": {"name": "features", "projected": 8}, "width": 4, "layers": 2, "norm": "channel", "scales": 2}


def test_it_is_resumed_bit_for_bit_and_its_hash_stands_in_the_result(
    make_cell: MakeCell, claimed: Callable[[Cell], Entry], tmp_path: Path
) -> None:
    cell = make_cell(discriminator=FEATURES, loss={"penalties": ["r1"]})
    entry = resumed_like_undisturbed(cell, tmp_path, (3, 7))
    result = entry.result()
    assert result.codec.judge_sha256 == lite0.LITE0.sha256
    assert result.trained_against("fd_lite0_112")
    assert result.trained_against("kid_paired_lite0_112")
    assert not result.trained_against("psnr")
    saved = torch.load(entry.weights, weights_only=True)["discriminator"]
    assert {name.partition(".")[0] for name in saved} == {"heads"}


def test_a_cell_with_patch_discriminators_is_judged_by_that_network(
    make_cell: MakeCell, claimed: Callable[[Cell], Entry], store: Store
) -> None:
    cell = make_cell(train={"steps": 2})
    entry = claimed(cell)
    train(cell, entry, store)
    assert not entry.result().trained_against("fd_lite0_112")
    assert entry.result().codec.judge_sha256 is None


def test_preflight_says_that_the_judge_also_measures(make_cell: MakeCell, tmp_path: Path) -> None:
    cell = make_cell(discriminator=FEATURES)
    images = [prepare(cell.data, split, tmp_path) for split in ("train", "test")]
    found = {each.check: each for each in preflight(cell, *images, "cpu")}
    assert found["extractor"].verdict == "warning"
    assert "gives no verdict" in found["extractor"].advice
    assert found["scales"].verdict == "ok", found["scales"]
    assert found["discriminators"].verdict == "ok"
