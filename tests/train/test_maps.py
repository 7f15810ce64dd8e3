"""Training with label maps: what is given them sees them, each switch changes the result, and all is repeatable."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from ablate.bench.training_step import BareTraining
from ablate.codecs.codec import Side
from ablate.config import Cell
from ablate.kernels.network import FastForward
from ablate.pixels import to_uint8
from ablate.sources.segmentation import CLASSES
from ablate.train.batches import Batches
from ablate.train.shown import with_maps
from ablate.train.state import TrainState
from tests.train.conftest import MakeCell

GENERATOR, JUDGE = {"model": {"map_classes": CLASSES}}, {"discriminator": {"map_classes": CLASSES}}
MODES: dict[str, dict[str, Any]] = {
    "none": {},
    "generator": GENERATOR,
    "discriminators": JUDGE,
    "both": GENERATOR | JUDGE,
}


def guided(make_cell: MakeCell, mode: str, **sections: dict[str, Any]) -> Cell:
    given: dict[str, dict[str, Any]] = {"data": {"maps": "segmentation"}, **sections}
    for name, section in MODES[mode].items():
        given[name] = given.get(name, {}) | section
    return make_cell(**given)


def after(cell: Cell, cache: Path, steps: int = 2, kernels: Any = "eager") -> dict[str, Tensor]:
    training = BareTraining(cell, cache, kernels=kernels)
    for _ in range(steps):
        training.step()
    discriminator = training.state.discriminator
    assert discriminator is not None
    weights = {**training.state.codec.state_dict(), **{f"d.{k}": v for k, v in discriminator.state_dict().items()}}
    return {name: weight.clone() for name, weight in weights.items()}


def equal(one: dict[str, Tensor], other: dict[str, Tensor], beginning: str = "") -> bool:
    shared = [name for name in one if name.startswith(beginning) and name in other]
    return all(torch.equal(one[name], other[name]) for name in shared)


def test_each_mode_is_another_training_and_maps_alone_change_none(make_cell: MakeCell, tmp_path: Path) -> None:
    found = {mode: after(guided(make_cell, mode), tmp_path) for mode in MODES}
    assert equal(found["none"], after(make_cell(), tmp_path))
    for mode, weights in found.items():
        assert equal(weights, after(guided(make_cell, mode), tmp_path)), f"{mode} is not repeatable"
        others = [other for other in MODES if other != mode]
        assert not any(equal(weights, found[other], "encoder.") for other in others), mode


@pytest.mark.parametrize("mode", ["generator", "discriminators", "both"])
@pytest.mark.parametrize(
    "sections",
    [
        {"loss": {"penalties": ["r1"]}, "train": {"accumulate": 2}},
        {"train": {"order": "generator_first", "discriminator_steps": 2}},
        {
            "discriminator": {"augment": ["color"], "spectral_norm": True},
            "loss": {"feature_matching": "none"},
        },
        {"discriminator": {"kind": "unet", "scales": 1}, "loss": {"penalties": ["lecam", "ar1"]}},
        {"train": {"quirks": {"unpaired_batches": True}}, "loss": {"feature_matching": "none"}},
    ],
    ids=["accumulated", "generator first", "augmented", "unet", "unpaired"],
)
def test_maps_go_with_every_order_penalty_and_kind(
    make_cell: MakeCell, tmp_path: Path, mode: str, sections: dict[str, Any]
) -> None:
    weights = after(guided(make_cell, mode, **sections), tmp_path, 1)
    assert all(weight.isfinite().all() for weight in weights.values())


def test_other_maps_give_another_training(make_cell: MakeCell, tmp_path: Path) -> None:
    cell = guided(make_cell, "both")
    training, other = (BareTraining(cell, tmp_path) for _ in range(2))
    images = other.batches.images
    assert images.maps is not None
    object.__setattr__(images.maps, "pixels", (images.maps.pixels + 1) % CLASSES)
    assert training.step()[1] != other.step()[1]


def test_a_label_beyond_the_classes_ends_a_training_with_a_sentence(make_cell: MakeCell, tmp_path: Path) -> None:
    cell = make_cell(data={"maps": "segmentation"}, model={"map_classes": 2})
    with pytest.raises(ValueError, match="and there are 2 classes"):
        after(cell, tmp_path)


def test_networks_in_c_serve_maps_or_leave_them_to_torch(make_cell: MakeCell, tmp_path: Path) -> None:
    cell = guided(make_cell, "both")
    native = BareTraining(cell, tmp_path, kernels="auto")
    maps = native.state.codec.maps
    assert isinstance(maps.__dict__.get("forward"), FastForward)
    losses = [float(each) for each in native.step()]
    assert losses == pytest.approx([float(each) for each in BareTraining(cell, tmp_path).step()], rel=1e-4)


def test_discriminators_see_the_map_behind_the_image_for_each_part_of_a_batch() -> None:
    labels = torch.tensor([[[0, 1]], [[1, 255]]], dtype=torch.uint8)
    images = torch.zeros(4, 3, 1, 2)
    seen = with_maps(images, Side(labels), 2)
    assert seen.shape == (4, 5, 1, 2)
    expected = torch.tensor([[[[1.0, 0]], [[0, 1]]], [[[0, 0]], [[1, 0]]]])
    assert torch.equal(seen[:2, 3:], expected)
    assert torch.equal(seen[2:, 3:], expected)


def test_maps_of_a_batch_are_those_of_its_crops(make_cell: MakeCell, tmp_path: Path) -> None:
    cell = guided(make_cell, "both")
    training = BareTraining(cell, tmp_path)
    batches = Batches(training.batches.images, cell.data, cell.seed, "cpu")
    labels = batches.side(0).labels
    assert labels is not None
    assert labels.shape == (2, 32, 32)
    images = batches.images
    itself = replace(batches, images=replace(images, maps=images))  # an image's red as its labels
    for step, purpose in ((0, "data.crops"), (3, "data.discriminator_crops")):
        red = itself.side(step, purpose).labels
        assert red is not None
        assert torch.equal(red, to_uint8(itself(step, purpose))[:, 0])
    assert any(not torch.equal(labels, batches.side(step).labels) for step in range(1, 8))


def test_the_map_encoder_has_a_gradient(make_cell: MakeCell, tmp_path: Path) -> None:
    training = BareTraining(guided(make_cell, "generator"), tmp_path)
    before = training.state.codec.maps[0].conv.weight.detach().clone()
    training.step()
    assert (training.state.codec.maps[0].conv.weight != before).any()


def test_a_state_without_maps_has_no_map_encoder(make_cell: MakeCell) -> None:
    assert TrainState.for_cell(make_cell(), "cpu").codec.maps is None
