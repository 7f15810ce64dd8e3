"""The quantizer: hard forward, soft backward, no latent without a gradient."""

from __future__ import annotations

import pytest
import torch

from ablate.codecs.agustsson.quantizer import Quantizer
from ablate.config import ModelQuirks, QuantizerSettings

EVERYWHERE = torch.linspace(-9, 9, 181)


def quantizer(*, quirk: str | None = None, **settings: object) -> Quantizer:
    quirks = ModelQuirks.model_validate({quirk: True} if quirk else {})
    return Quantizer(QuantizerSettings.model_validate(settings), quirks)


def test_values_are_the_nearest_centers() -> None:
    values, symbols = quantizer()(torch.tensor([-7.0, -1.6, -0.4, 0.2, 0.6, 1.4, 1.6, 50.0]))
    torch.testing.assert_close(values, torch.tensor([-2.0, -2, 0, 0, 1, 1, 2, 2]))
    assert symbols.tolist() == [0, 0, 2, 2, 3, 3, 4, 4]
    assert symbols.dtype is torch.uint8


@pytest.mark.parametrize("quirk", [None, "l1_dead_zone"])
@pytest.mark.parametrize("size", [1e3, 1e8, 3e38, float("inf")])
def test_latents_beyond_the_reach_of_floats_go_to_the_nearest_center_and_keep_a_gradient(
    size: float, quirk: str | None
) -> None:
    latent = torch.tensor([-size, size], requires_grad=True)
    values, symbols = quantizer(quirk=quirk)(latent)
    assert symbols.tolist() == [0, 4]
    torch.testing.assert_close(values.detach(), torch.tensor([-2.0, 2]))
    values.sum().backward()
    assert latent.grad.isfinite().all()
    assert (latent.grad > 1e-3).all() == (quirk is None)


def test_a_latent_that_is_no_number_is_told_by_the_loss_and_never_sent() -> None:
    latent = torch.tensor([0.0, float("nan"), 1.0])
    assert quantizer()(latent).values.isnan().tolist() == [False, True, False]
    with pytest.raises(ValueError, match="1 of 3 latents are NaN: no symbol means that"):
        quantizer().send(latent)


def test_symbols_and_values_name_the_same_centers() -> None:
    module = quantizer(levels=7)
    values, symbols = module(EVERYWHERE)
    torch.testing.assert_close(module.dequantize(symbols), values)
    assert symbols.unique().tolist() == list(range(7))


def test_gradient_reaches_every_latent_however_far_out() -> None:
    for levels in (2, 5, 8):
        latent = EVERYWHERE.clone().requires_grad_()
        quantizer(levels=levels)(latent).values.sum().backward()
        assert latent.grad is not None
        assert (latent.grad > 1e-3).all()


def assigned(latent: torch.Tensor, temperature: float) -> torch.Tensor:
    """The soft assignment to five centers by its formula."""
    centers = torch.arange(-2.0, 3.0, dtype=latent.dtype)
    weights = torch.softmax(-(latent[:, None] - centers).square() / temperature, -1)
    return (weights * centers).sum(-1)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_gradient_is_the_slope_of_the_soft_assignment_and_beyond_the_outermost_center_that_at_the_center(
    temperature: float,
) -> None:
    latent = torch.tensor([-7.0, -2.5, -2, -1.3, 0, 0.4, 2, 2.01, 9])
    at, step = latent.double().clamp(-2, 2), 1e-6
    expected = (assigned(at + step, temperature) - assigned(at - step, temperature)) / (2 * step)
    # Slopes of 0.1 to 1, in float32.
    torch.testing.assert_close(
        gradient(quantizer(temperature=temperature), latent).double(), expected, rtol=1e-4, atol=0
    )


def test_temperature_changes_the_gradient_and_not_the_values() -> None:
    gradients = []
    for temperature in (0.5, 1.0):
        latent = torch.tensor([0.3], requires_grad=True)
        values = quantizer(temperature=temperature)(latent).values
        values.sum().backward()
        assert values.item() == 0
        gradients.append(latent.grad)
    assert gradients[0] != gradients[1]


def test_learned_centers_receive_gradients_and_fixed_ones_are_no_parameters() -> None:
    learned = quantizer(centers="learned")
    learned(EVERYWHERE).values.square().sum().backward()
    assert isinstance(learned.centers, torch.nn.Parameter)
    assert learned.centers.grad is not None
    assert (learned.centers.grad != 0).all()
    assert list(quantizer().parameters()) == []


def gradient(module: Quantizer, at: torch.Tensor) -> torch.Tensor:
    latent = at.clone().requires_grad_()
    module(latent).values.sum().backward()
    assert latent.grad is not None
    return latent.grad


def test_quirk_of_rounding_keeps_the_values_and_takes_every_gradient() -> None:
    rounding = quantizer(quirk="round_kills_encoder")
    torch.testing.assert_close(rounding(EVERYWHERE).values, quantizer()(EVERYWHERE).values)
    assert (gradient(rounding, EVERYWHERE) == 0).all()


def test_quirk_of_absolute_distances_has_no_slope_beyond_the_outermost_centers() -> None:
    slopes = gradient(quantizer(quirk="l1_dead_zone"), EVERYWHERE)
    torch.testing.assert_close(slopes[EVERYWHERE.abs() > 2.01], torch.zeros_like(slopes[EVERYWHERE.abs() > 2.01]))
    inside = slopes[EVERYWHERE.abs() < 1.99]
    assert inside.min() > 0.4  # 0.47 to 0.85, as measured on the source
    assert inside.max() < 0.9
