"""Training of a codec that sends a region: distortion there alone, and each switch another result."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from ablate.bench.training_step import BareTraining
from ablate.codecs.codec import Side
from ablate.config import Cell
from ablate.data import prepare
from ablate.objective import Objective
from ablate.sources.segmentation import CLASSES
from ablate.train.batches import Batches
from ablate.train.shown import in_kept
from ablate.train.state import TrainState
from ablate.train.step import training_step
from tests.train.conftest import MakeCell
from tests.train.test_maps import after, equal

BOX, INSTANCE = (
    {"model": {"selective": f"random_{kind}"}, "data": {"maps": "segmentation"}} for kind in ("box", "instance")
)


def test_each_mode_is_another_training(make_cell: MakeCell, tmp_path: Path) -> None:
    guided = {"model": {**BOX["model"], "map_classes": CLASSES}, "data": BOX["data"]}
    cells = [make_cell(), make_cell(**BOX), make_cell(**INSTANCE), make_cell(**guided)]
    found = [after(cell, tmp_path) for cell in cells]
    for number, (cell, weights) in enumerate(zip(cells, found, strict=True)):
        assert equal(weights, after(cell, tmp_path)), "it is not repeatable"
        assert not any(equal(weights, other, "encoder.") for other in found[number + 1 :])


def test_the_blocks_of_a_batch_are_those_of_its_instances(make_cell: MakeCell, tmp_path: Path) -> None:
    cell = make_cell(**INSTANCE)
    batches = Batches.of(cell, prepare(cell.data, "train", tmp_path), "cpu")
    kept = [batches.side(step).kept for step in range(8)]
    assert all(each is not None and each.shape == (2, 8, 8) and each.any() for each in kept)
    assert any(not torch.equal(kept[0], each) for each in kept[1:])
    assert torch.equal(kept[3], batches.side(3).kept)


def test_distortion_outside_of_kept_blocks_counts_nothing() -> None:
    image, reconstruction = torch.zeros(1, 3, 8, 8), torch.ones(1, 3, 8, 8).requires_grad_()
    kept = torch.tensor([[[True, False], [False, False]]])
    compared = in_kept(image, reconstruction, Side(kept=kept))
    off = (compared - image).square().mean()
    off.backward()
    assert float(off.detach()) == 0.25
    assert reconstruction.grad is not None
    assert (reconstruction.grad[..., :4, :4] != 0).all()
    assert reconstruction.grad.count_nonzero() == 3 * 16
    assert in_kept(image, reconstruction, Side()) is reconstruction


@pytest.mark.parametrize("adversarial", ["none", "hinge"])
def test_a_step_takes_no_distortion_of_what_is_not_kept(
    make_cell: MakeCell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, adversarial: str
) -> None:
    loss = {"adversarial": adversarial, "feature_matching": "none", "adversarial_weight": 0.0}
    cell = make_cell(model=BOX["model"], loss=loss)
    found = []
    for kept in (True, False):
        side = Side(kept=torch.full((2, 8, 8), kept))
        monkeypatch.setattr(Batches, "side", lambda *_, side=side: side)
        training = BareTraining(cell, tmp_path)
        found.append(float(training_step(training.state, Objective.build(cell.loss), cell, training.batches).loss))
    assert found[0] > 0
    assert found[1] == 0


def test_latents_that_are_not_kept_do_not_reach_the_generator(make_cell: MakeCell) -> None:
    codec = TrainState.for_cell(make_cell(**BOX), "cpu").codec.eval()
    image = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    none = Side(kept=torch.zeros(1, 8, 8, dtype=torch.bool))
    with torch.no_grad():
        assert torch.equal(codec(image, None, none).image, codec(-image, None, none).image)
        assert not torch.equal(codec(image, None).image, codec(-image, None).image)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"model": {"selective": "random_instance"}}, 'model.selective = "random_instance" asks for label maps'),
        ({"evaluation": {"kept": "random_instance"}}, 'evaluation.kept = "random_instance" asks for label maps'),
        (
            {"model": {"selective": "random_box", "prior": "factorized", "latent_norm": "none"}},
            "codes latents of whole images",
        ),
        (
            {
                "model": {"selective": "random_box"},
                "discriminator": {"kind": "latent", "scales": 1},
                "loss": {"feature_matching": "none"},
            },
            "sends nothing of some blocks",
        ),
    ],
)
def test_settings_that_do_not_fit_each_other_are_refused(changed: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Cell.model_validate(changed)


def test_warm_up_and_both_orders_train_a_selective_codec(make_cell: MakeCell, tmp_path: Path) -> None:
    for train in ({"order": "generator_first"}, {"accumulate": 2, "discriminator_steps": 2}):
        training = BareTraining(make_cell(**INSTANCE, train=train), tmp_path)
        assert all(loss.isfinite() for loss in training.step())
