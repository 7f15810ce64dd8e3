"""A value-and-gradient function under autograd."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from ablate.kernels import backends, differentiable
from ablate.losses import distortion

explicit = next(each for each in backends("distortion") if each.name == "explicit")


def pair() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(3)
    image, reconstruction = (torch.randn(2, 3, 5, 7, generator=generator) for _ in range(2))
    return image, reconstruction.requires_grad_()


def test_the_loss_weight_reaches_the_gradient() -> None:
    image, reconstruction = pair()
    loss = differentiable(explicit.build())
    (found,) = torch.autograd.grad(7 * loss(image=[image], reconstruction=[reconstruction]), reconstruction)
    (expected,) = torch.autograd.grad(7 * distortion("mse")(image, reconstruction), reconstruction)
    torch.testing.assert_close(found, expected)


def test_a_kept_graph_gives_the_same_gradient_again() -> None:
    image, reconstruction = pair()
    loss = differentiable(explicit.build())(image=[image], reconstruction=[reconstruction])
    first = torch.autograd.grad(2 * loss, reconstruction, retain_graph=True)[0].clone()
    again = torch.autograd.grad(2 * loss, reconstruction)[0]
    assert torch.equal(first, again)


def test_no_gradient_reaches_a_side_that_was_not_asked_for() -> None:
    image, reconstruction = pair()
    image.requires_grad_()
    differentiable(explicit.build())(image=[image], reconstruction=[reconstruction]).backward()
    assert image.grad is None
    assert reconstruction.grad is not None


def test_both_sides_have_a_gradient_where_both_were_asked_for() -> None:
    image, reconstruction = pair()
    image.requires_grad_()
    player = next(each for each in backends("adversarial") if each.name == "explicit").build(loss="wgan")
    differentiable(player)(image=[image], reconstruction=[reconstruction]).backward()
    assert image.grad is not None
    torch.testing.assert_close(image.grad, -reconstruction.grad)


def test_a_second_derivative_is_refused_and_not_zero() -> None:
    image, reconstruction = pair()
    loss = differentiable(explicit.build())(image=[image], reconstruction=[reconstruction])
    (gradient,) = torch.autograd.grad(loss, reconstruction, create_graph=True)
    with pytest.raises(RuntimeError, match="no second derivative"):
        gradient.square().sum().backward()
