"""The contract of every registered distortion: floor, symmetry, gradient, options, smallest side."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.autograd import gradcheck

from ablate.losses.catalogue import distortions
from ablate.losses.distortion_loss import Distortion
from ablate.networks import imagenet, lite0
from ablate.registry import Entry

NAMES = list(distortions)
TERMS = [name for name in NAMES if name != "none"]
FLOOR = {"charbonnier": 1e-3}
"""The value of a distortion between equal images, where that is not 0."""

STOPPED = {"focal_frequency"}
"""Distortions whose gradient leaves a factor out on purpose; their own tests look at it."""

OTHER: dict[tuple[str, str], Any] = {
    ("charbonnier", "epsilon"): 0.1,
    ("huber", "beta"): 1.0,
    ("ms_ssim", "levels"): 3,
    ("l1_msssim", "alpha"): 0.5,
    ("l1_msssim", "levels"): 3,
    ("focal_frequency", "alpha"): 0.5,
    ("laplacian_pyramid", "levels"): 3,
    ("laplacian_pyramid", "exponent"): -2.0,
    ("perceptual_lite0", "stages"): 2,
    ("perceptual_lite0", "distance"): "l1",
    ("vgg", "imagenet_statistics"): True,
    ("lpips", "network"): "alex",
}
"""A value of each option that is not its default."""

OPTIONS = [(name, option) for name in NAMES for option in distortions[name].options]

pytestmark = pytest.mark.usefixtures("random_networks")


def built(name: str, **options: Any) -> Distortion:
    return distortions[name].function(**options)


def smallest_side(entry: Entry, **options: Any) -> int:
    fact = entry.facts["smallest_side"]
    return fact(**entry.resolve(options)) if callable(fact) else fact


def pair(name: str, noise: float = 0.2, batch: int = 1) -> tuple[Tensor, Tensor]:
    """An image and a noisy copy, large enough for the distortion; one side is odd."""
    others = [{option: value} for (other, option), value in OTHER.items() if other == name]
    side = max(24, *(smallest_side(distortions[name], **options) for options in ({}, *others)))
    generator = torch.Generator().manual_seed(3)
    image = torch.rand(batch, 3, side, side + 1, generator=generator) * 2 - 1
    return image, (image + noise * torch.randn(image.shape, generator=generator)).clamp(-1, 1)


@pytest.mark.parametrize("name", NAMES)
def test_equal_images_have_the_stated_floor(name: str) -> None:
    image, _ = pair(name)
    assert built(name)(image, image).item() == pytest.approx(FLOOR.get(name, 0.0), abs=1e-7)


@pytest.mark.parametrize("name", TERMS)
def test_more_noise_costs_more(name: str) -> None:
    values = [built(name)(*pair(name, noise)).item() for noise in (0.05, 0.1, 0.2)]
    assert FLOOR.get(name, 0.0) < values[0] < values[1] < values[2]


@pytest.mark.parametrize("name", NAMES)
def test_image_and_reconstruction_may_change_places(name: str) -> None:
    image, reconstruction = pair(name)
    there, back = built(name)(image, reconstruction).item(), built(name)(reconstruction, image).item()
    assert there == pytest.approx(back, rel=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_a_batch_has_the_mean_of_its_images(name: str) -> None:
    image, reconstruction = pair(name, batch=2)
    reconstruction[1] *= 0.5
    alone = [built(name)(image[n : n + 1], reconstruction[n : n + 1]).item() for n in range(2)]
    assert built(name)(image, reconstruction).item() == pytest.approx(sum(alone) / 2, rel=1e-5)
    assert name == "none" or alone[0] != pytest.approx(alone[1], rel=1e-2)


def in_double(pretrained: Callable[..., nn.Module]) -> Callable[..., nn.Module]:
    return lambda *which: copy.deepcopy(pretrained(*which)).double()


@pytest.mark.parametrize("name", sorted(set(NAMES) - STOPPED))
def test_the_gradient_agrees_with_finite_differences(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for network in (imagenet, lite0):
        monkeypatch.setattr(network, "pretrained", functools.cache(in_double(network.pretrained)))
    image, reconstruction = (each.double() for each in pair(name))
    assert gradcheck(lambda x: built(name)(image, x), (reconstruction.requires_grad_(),), fast_mode=True)


@pytest.mark.parametrize("name", NAMES)
def test_no_gradient_reaches_the_image(name: str) -> None:
    image, reconstruction = pair(name)
    image.requires_grad_()
    built(name)(image, reconstruction.requires_grad_()).backward()
    assert image.grad is None
    assert reconstruction.grad is not None


@pytest.mark.parametrize("name", NAMES)
def test_equal_constant_and_extreme_images_have_finite_values_and_gradients(name: str) -> None:
    image, _ = pair(name)
    black, white = torch.full_like(image, -1.0), torch.ones_like(image)
    grey, signs = torch.zeros_like(image), image.sign()
    for x, y in ((image, image), (black, black), (grey, grey), (black, white), (signs, -signs), (image, black)):
        variable = y.clone().requires_grad_()
        value = built(name)(x, variable)
        assert value.shape == ()
        assert value.dtype == torch.float32
        assert value.isfinite()
        assert value >= 0
        assert torch.autograd.grad(value, variable)[0].isfinite().all()


@pytest.mark.parametrize("name", TERMS)
def test_a_noisy_copy_has_a_gradient_in_every_channel(name: str) -> None:
    image, reconstruction = pair(name)
    gradient = torch.autograd.grad(built(name)(image, reconstruction.requires_grad_()), reconstruction)[0]
    assert (gradient.abs().amax(dim=(0, 2, 3)) > 0).all()


@pytest.mark.parametrize("name", NAMES)
def test_autocast_does_not_reach_the_value(name: str) -> None:
    image, reconstruction = pair(name)
    plain = built(name)(image, reconstruction)
    with torch.autocast("cpu", torch.bfloat16):
        assert built(name)(image, reconstruction) == plain


@pytest.mark.parametrize(("name", "option"), OPTIONS)
def test_every_option_changes_the_value(name: str, option: str) -> None:
    image, reconstruction = pair(name)
    other = built(name, **{option: OTHER[name, option]})(image, reconstruction)
    assert other.item() != pytest.approx(built(name)(image, reconstruction).item(), rel=1e-3)


@pytest.mark.parametrize(
    ("name", "options"), [*((n, {}) for n in NAMES), *((n, {option: value}) for (n, option), value in OTHER.items())]
)
def test_the_smallest_side_is_where_the_distortion_begins(name: str, options: dict[str, Any]) -> None:
    smallest = smallest_side(distortions[name], **options)
    image = torch.rand(1, 3, smallest + 1, smallest, generator=torch.Generator().manual_seed(4)) * 2 - 1
    assert built(name, **options)(image, image / 2).isfinite()
    if smallest > 1:
        for narrow in (image[..., 1:], image[..., 2:, :]):
            with pytest.raises(ValueError, match=f"needs crops of at least {smallest} x {smallest} pixels, not "):
                built(name, **options)(narrow, narrow)


@pytest.mark.parametrize("name", TERMS)
def test_the_convention_is_said_and_ranges_are_those_of_options(name: str) -> None:
    entry = distortions[name]
    assert entry.facts["convention"]
    for option, (low, high) in entry.facts["ranges"].items():
        assert low <= entry.options[option].default <= high


def test_every_number_among_the_options_has_a_range() -> None:
    numbers = {(n, o) for n, o in OPTIONS if type(distortions[n].options[o].default) in (int, float)}
    assert numbers == {(name, option) for name in NAMES for option in distortions[name].facts["ranges"]}
