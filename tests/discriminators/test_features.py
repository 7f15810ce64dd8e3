"""Discriminators on the features of a frozen network: what is trained, what is not, and what is refused."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from ablate.config import Cell, DiscriminatorSettings
from ablate.discriminators.build import build_discriminator, count_parameters
from ablate.discriminators.discriminator import Discriminator, DiscriminatorOutput
from ablate.discriminators.features import FeatureDiscriminator
from ablate.discriminators.mixing import MIXINGS
from ablate.networks import lite0
from ablate.networks.dinov2 import DinoV2, Shape
from ablate.networks.frozen import _transformer, frozen_networks
from ablate.networks.weights_file import WeightsFile
from ablate.registry import AbsentError
from ablate.rng import stream

SMALL: dict[str, Any] = {"width": 4, "layers": 3, "norm": "channel", "scales": 3}


def settings(changed: dict[str, Any] | None = None, **options: Any) -> DiscriminatorSettings:
    kind = {"name": "features", "projected": 8, **options}
    return DiscriminatorSettings.model_validate({**SMALL, **(changed or {}), "kind": kind})


def built(changed: dict[str, Any] | None = None, seed: int = 0, **options: Any) -> Discriminator:
    return build_discriminator(settings(changed, **options), seed, "features")


def images(side: int = 64) -> torch.Tensor:
    return torch.rand(2, 3, side, side, generator=stream(0, "test.features")) * 2 - 1


def output(discriminator: Discriminator, side: int = 64) -> DiscriminatorOutput:
    with torch.no_grad():
        return discriminator(images(side))


@pytest.mark.parametrize("side", [64, 72, 100])
def test_there_is_a_head_for_each_scale_and_all_end_at_one_resolution(side: int) -> None:
    found = output(built(), side)
    assert [len(each) for each in found.features] == [1, 1, 1]
    assert [logits.shape[:2] for logits in found.logits] == [(2, 1)] * 3
    if side == 64:
        assert {logits.shape[2:] for logits in found.logits} == {(4, 4)}


def test_gradients_reach_the_image_and_no_weight_of_the_frozen_network() -> None:
    discriminator, image = built(), images().requires_grad_()
    sum(logits.mean() for logits in discriminator(image).logits).backward()
    assert image.grad is not None
    assert image.grad.abs().amax((1, 2, 3)).min() > 0
    assert all(p.grad is not None for p in discriminator.parameters())
    assert not any(p.requires_grad for p in lite0.fused("cpu").parameters())


def test_heads_alone_are_trained_saved_and_counted() -> None:
    discriminator = built()
    names = [name for name, _ in discriminator.named_parameters()]
    assert {name.partition(".")[0] for name in names} == {"heads"}
    assert list(discriminator.state_dict()) == names
    counted = count_parameters(settings(), "features", None)
    assert counted == sum(p.numel() for p in discriminator.parameters()) < 20_000


def test_weights_and_mixing_are_functions_of_the_seed_and_touch_no_other_stream() -> None:
    before = torch.random.get_rng_state()
    one, again, other = (output(built(seed=seed)).logits[0] for seed in (0, 0, 1))
    assert torch.equal(one, again)
    assert not torch.equal(one, other)
    assert torch.equal(torch.random.get_rng_state(), before)
    mixed, others = (built(seed=seed).mixing for seed in (0, 1))
    assert not torch.equal(mixed.across[0].weight, others.across[0].weight)


def test_one_head_more_shifts_no_other() -> None:
    two, three = (output(built({"scales": scales})).logits for scales in (2, 3))
    for few, many in zip(two, three, strict=False):
        assert torch.equal(few, many)


@pytest.mark.parametrize(
    "changed", [{"mixing": "channel"}, {"mixing": "none"}, {"projected": 16}, {"side": 96}], ids=str
)
def test_each_option_changes_the_logits(changed: dict[str, Any]) -> None:
    own, other = output(built()).logits[0], output(built(**changed)).logits[0]
    assert own.shape != other.shape or not torch.allclose(own, other)


@pytest.mark.parametrize("changed", [{"width": 8}, {"layers": 2}, {"norm": "none"}, {"spectral_norm": True}])
def test_each_setting_of_the_discriminators_is_used(changed: dict[str, Any]) -> None:
    own, other = output(built()).logits[0], output(built(changed)).logits[0]
    assert own.shape != other.shape or not torch.allclose(own, other)


def test_images_are_resized_before_the_network_where_a_side_is_given() -> None:
    assert {each.shape[2:] for each in output(built(side=224)).logits} == {(14, 14)}


def test_a_penalty_can_differentiate_twice() -> None:
    discriminator, image = built(), images().requires_grad_()
    score = sum(logits.mean() for logits in discriminator(image).logits)
    (gradient,) = torch.autograd.grad(score, image, create_graph=True)
    gradient.square().sum().backward()
    weight = discriminator.heads[0].logits.conv.weight
    assert weight.grad is not None
    assert weight.grad.norm() > 0


@pytest.mark.parametrize(
    ("changed", "options", "said"),
    [
        ({}, {"network": "lite2"}, r"unknown frozen network 'lite2' .* did you mean 'lite1'\?"),
        ({}, {"mixing": "scales"}, r"unknown mixing 'scales' .* did you mean 'scale'\?"),
        ({}, {"netwrk": "lite0"}, r"unknown option of features 'netwrk' .* did you mean 'network'\?"),
        ({}, {"projected": 0}, "1 channel or more, not projected = 0"),
        ({}, {"side": -1}, "side = -1"),
        ({}, {"sha256": "ab"}, "unknown option of lite0 'sha256'"),
        ({}, {"network": "dino"}, "dino needs the option 'sha256'"),
        ({}, {"network": "dinov2"}, 'maps of one size, where mixing = "scale"'),
        ({}, {"network": "dinov2", "mixing": "none", "side": 100}, "multiples of 14 pixels, and side = 100"),
        ({"scales": 5}, {}, r"4 maps to judge, and discriminator\.scales = 5"),
        ({"norm": "instance", "layers": 6}, {}, r"1x1 feature map at 64 pixels, which instance norm"),
        ({"quirks": {"double_leaky_relu": True}}, {}, r"discriminator\.quirks\.double_leaky_relu"),
    ],
)
def test_what_has_no_features_is_refused_with_a_sentence(
    changed: dict[str, Any], options: dict[str, Any], said: str
) -> None:
    kind = {"name": "features", **options}
    with pytest.raises(ValueError, match=said):
        Cell.model_validate({"data": {"crop": 64}, "discriminator": {**SMALL, **changed, "kind": kind}})


def test_a_loss_with_discriminators_of_its_own_has_no_other_kind() -> None:
    with pytest.raises(ValueError, match=r'"ebgan" has discriminators of its own, "energy", .* "features"'):
        Cell.model_validate({"discriminator": {**SMALL, "kind": "features"}, "loss": {"adversarial": "ebgan"}})
    with pytest.raises(ValueError, match=r"set loss\.adversarial to one of these \(ebgan, began\)"):
        Cell.model_validate({"discriminator": {**SMALL, "kind": "energy"}})


@pytest.mark.parametrize(("name", "published"), [("lite0", lite0.LITE0), ("lite1", lite0.LITE1)])
def test_a_frozen_network_is_what_it_says(name: str, published: lite0.Published) -> None:
    pytest.importorskip(published.package)
    network = frozen_networks[name].function()
    found = network.maps(images(96))
    assert tuple(each.shape[1] for each in found) == network.channels
    assert tuple(96 // each.shape[-1] for each in found) == network.strides
    assert network.sha256 == published.sha256


@pytest.mark.parametrize("scaled", [True, False])
def test_a_transformer_is_loaded_by_file_and_hash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scaled: bool
) -> None:
    shape, path = Shape(32, 4, 4, tokens=4, patch=16, scaled=scaled), tmp_path / "weights.pth"
    drawn = DinoV2(shape)
    for parameter in drawn.parameters():
        torch.nn.init.normal_(parameter, std=0.2, generator=stream(0, "test.transformer"))
    torch.save(drawn.state_dict(), path)
    monkeypatch.setenv("ABLATE_TEST_WEIGHTS", str(path))
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    network = _transformer(WeightsFile("weights.pth", sha256, "ABLATE_TEST_WEIGHTS", "nowhere"), shape)
    image = images(32).requires_grad_()
    found = network.maps(image)
    assert [tuple(each.shape) for each in found] == [(2, 32, 2, 2)] * 4
    found[0].sum().backward()
    assert image.grad is not None
    assert image.grad.norm() > 0
    absent = replace(network, require=WeightsFile("no.pth", sha256, "ABLATE_NO_SUCH_WEIGHTS", "nowhere").find)
    with pytest.raises(AbsentError, match=r"the weights no\.pth are absent"):
        FeatureDiscriminator(settings(), absent, 0, MIXINGS["none"], 8).initialise(0)
    other = _transformer(WeightsFile("weights.pth", "0" * 64, "ABLATE_TEST_WEIGHTS", "nowhere"), shape)
    with pytest.raises(ValueError, match=f"has the sha256 {sha256}"):
        other.maps(image)
