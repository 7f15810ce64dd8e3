"""The U-Net: a logit for each pixel and one for the image, which each loss that takes patches takes."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from ablate.config import Cell, DiscriminatorSettings
from ablate.discriminators.build import build_discriminator, count_parameters
from ablate.discriminators.discriminator import Discriminator
from ablate.losses import adversarial
from ablate.losses.catalogue import adversarial_losses
from ablate.rng import stream

SMALL: dict[str, Any] = {"kind": "unet", "width": 4, "layers": 3, "norm": "channel", "scales": 1}
OF_PATCHES = [
    name
    for name in adversarial_losses
    if adversarial_losses[name].facts["discriminator"] == "patch"
    and adversarial_losses[name].facts["trains_discriminator"]
]


def built(seed: int = 0, **changed: Any) -> Discriminator:
    return build_discriminator(DiscriminatorSettings.model_validate({**SMALL, **changed}), seed, "unet")


def images(height: int = 32, width: int = 32) -> torch.Tensor:
    return torch.rand(2, 3, height, width, generator=stream(0, "test.unet")) * 2 - 1


@pytest.mark.parametrize(("height", "width"), [(32, 32), (40, 27)])
@pytest.mark.parametrize("layers", [1, 3])
def test_each_pixel_has_a_logit_and_the_image_one(height: int, width: int, layers: int) -> None:
    found = built(layers=layers)(images(height, width))
    assert [tuple(each.shape) for each in found.logits] == [(2, 1, height, width), (2, 1, 1, 1)]
    assert [len(each) for each in found.features] == [layers, layers]
    assert built().scales == 2


def test_a_pixels_logit_follows_that_pixel_and_the_images_follows_all() -> None:
    x, network = images(), built()
    changed = x.clone()
    changed[:, :, 30:, 30:] = 1.0
    (pixels, whole), (others, other) = (network(each).logits for each in (x, changed))
    assert not torch.equal(pixels[..., 31, 31], others[..., 31, 31])
    assert not torch.equal(whole, other)


@pytest.mark.parametrize("name", OF_PATCHES)
def test_every_loss_over_patches_takes_both(name: str) -> None:
    network, loss = built(), adversarial(name)
    reconstruction = (images() * 0.5).requires_grad_()
    real, fake = network(images()).logits, network(reconstruction).logits
    loss.discriminator(real, fake).backward(retain_graph=True)
    for logits in (network.pixels, network.image):
        assert logits.conv.weight.grad.isfinite().all()
        assert logits.conv.weight.grad.norm() > 0 or name == "softmax1"  # whose loss is 0 whatever the logits
    assert torch.isfinite(loss.generator(real, fake))


@pytest.mark.parametrize("changed", [{"width": 8}, {"layers": 2}, {"norm": "none"}, {"spectral_norm": True}], ids=str)
def test_each_setting_of_the_discriminators_is_used(changed: dict[str, Any]) -> None:
    own, other = (network(images()).logits[0] for network in (built(), built(**changed)))
    assert not torch.allclose(own, other)


def test_its_weights_are_a_function_of_the_seed_and_are_counted() -> None:
    one, again, other = (built(seed)(images()).logits[1] for seed in (0, 0, 1))
    assert torch.equal(one, again)
    assert not torch.equal(one, other)
    settings = DiscriminatorSettings.model_validate(SMALL)
    assert count_parameters(settings, "unet", None) == sum(p.numel() for p in built().parameters())


def test_several_scales_are_refused() -> None:
    with pytest.raises(ValueError, match=r"set discriminator\.scales = 1, and not 2"):
        Cell.model_validate({"discriminator": {**SMALL, "scales": 2}})
