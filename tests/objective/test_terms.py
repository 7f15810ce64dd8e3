"""The objective with chosen backends against the objective as it is defined."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import torch
from torch import Tensor

from ablate.config import Loss
from ablate.kernels.library import missing
from ablate.losses.catalogue import distortions
from ablate.objective import Choice, Objective, distortion_of

SETTINGS: list[dict[str, Any]] = [
    {"adversarial": "lsgan"},
    {"adversarial": "hinge", "distortion": "l1", "scale_reduction": "sum"},
    {"adversarial": {"name": "vanilla", "real_target": 0.9}, "scale_reduction": "patch_weighted"},
    {"adversarial": "wgan", "distortion": {"name": "charbonnier", "epsilon": 0.01}, "generator_scales": "finest"},
    {"adversarial": "minimax", "feature_matching": "spade", "discriminator_weight": 0.5},
    {"adversarial": "lsgan_chi2", "distortion": {"name": "ms_ssim", "levels": 2}},
    {"adversarial": "rp_hinge", "distortion": "huber"},  # neither has a fast form
    {"adversarial": "none", "feature_matching": "none"},
]


def inputs() -> dict[str, Any]:
    """Logits and features at two scales and a pair of images, of which one is differentiated."""
    generator = torch.Generator().manual_seed(11)

    def drawn(*shapes: tuple[int, ...]) -> list[Tensor]:
        return [torch.randn(shape, generator=generator) for shape in shapes]

    logits, maps = [(2, 1, 6, 5), (2, 1, 3, 3)], [(2, 4, 12, 10), (2, 8, 6, 5)]
    image, reconstruction = drawn((2, 3, 40, 37), (2, 3, 40, 37))
    made = {
        "image": image.clamp(-1, 1),
        "reconstruction": reconstruction.clamp(-1, 1),
        "fake_logits": drawn(*logits),
        "real_logits": drawn(*logits),
        "fake_features": [drawn(*maps), drawn(*maps)],
        "real_features": [drawn(*maps), drawn(*maps)],
    }
    for tensor in [
        made["reconstruction"],
        *made["fake_logits"],
        *made["real_logits"],
        *itertools.chain(*made["fake_features"]),
    ]:
        tensor.requires_grad_()
    return made


def gradients(objective: Objective) -> list[Tensor]:
    """Returns both players' losses and all gradients of both."""
    seen = inputs()
    parts = objective.generator(**seen)
    judged = objective.discriminator(real_logits=seen["real_logits"], fake_logits=seen["fake_logits"])
    leaves = [
        seen["reconstruction"],
        *seen["fake_logits"],
        *seen["real_logits"],
        *itertools.chain(*seen["fake_features"]),
    ]
    found = [parts.total.detach(), judged.detach()]
    for loss in (parts.total, judged):
        found += torch.autograd.grad(loss, leaves, allow_unused=True, materialize_grads=True, retain_graph=True)
    return found


@pytest.mark.parametrize("settings", SETTINGS, ids=[str(each["adversarial"]) for each in SETTINGS])
@pytest.mark.parametrize("kernels", ["auto", "eager"])
def test_both_players_get_what_the_definition_says(settings: dict[str, Any], kernels: Any) -> None:
    loss = Loss.model_validate(settings)
    choice = Choice(kernels, "cpu")
    found, expected = gradients(Objective.build(loss, choice)), gradients(Objective.build(loss))
    for mine, other in zip(found, expected, strict=True):
        if kernels == "eager":
            assert torch.equal(mine, other)
        else:
            torch.testing.assert_close(mine, other, rtol=2e-5, atol=1e-7)
    if kernels == "eager":
        assert set(choice.selected.values()) <= {"eager"}


@pytest.mark.parametrize("name", ["mse", "l1", "charbonnier", "ms_ssim"])
def test_a_distortion_of_large_images_is_a_fast_form_of_the_one_that_is_asked_for(name: str) -> None:
    generator = torch.Generator().manual_seed(11)
    image = torch.rand((2, 3, 272, 272), generator=generator) * 2 - 1
    other = (image + 0.2 * torch.randn(image.shape, generator=generator)).clamp(-1, 1).requires_grad_()
    term, told = Loss.model_validate({"distortion": name}).distortion, []
    choice = Choice("auto", "cpu", log=lambda role, _text: told.append(role))
    found = []
    for distortion in (distortion_of(term, choice), distortions[name].function(**term.options)):
        value = distortion(image, other)
        found.append((value.detach(), *torch.autograd.grad(value, other)))
    distortion = distortion_of(term, choice)
    assert (distortion(image, other) == distortion(image, other)).item()
    assert told == ["distortion"] * 2, "each asks once"
    assert missing("distortion") is not None or choice.selected == {"distortion": "native"}
    for mine, expected in zip(*found, strict=True):
        torch.testing.assert_close(mine, expected, rtol=2e-5, atol=1e-8)
