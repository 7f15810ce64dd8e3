"""Proof that the layers of a plan compute in C what the module does in float64, with all gradients."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, fx, nn

from ablate.kernels.network.native import Network
from ablate.kernels.network.plan import IMAGE, Plan, computation, planned
from ablate.rng import stream

VALUES, GRADIENTS = 1e-5, 1e-4
"""How far outputs, and gradients all together, may lie from float64, by their norm, in float32."""
AUTOCAST = 1.5
"""The same in bfloat16, as a part of how far the definition's lie under autocast, which rounds more often."""
DRAWS = 3
"""A latent at the kink of a ReLU has another gradient in float64; it is unlikely in one draw, and in three is none."""
SIZE = (2, 13, 20)
"""Images, height and width: odd and even, and too small to be reflected a few layers on."""


def disagreement(module: nn.Module, size: tuple[int, int, int] = SIZE, precision: str = "float32") -> str | None:
    """Returns in a sentence where C lies too far from float64, on images that are drawn, or None where it does not.

    The module itself is left alone: copies are compared.
    """
    module = copy.deepcopy(module).eval()
    plan, exact = planned(module), copy.deepcopy(module).double()
    network = Network(plan.layers, list(plan.outputs.values()), precision)
    images, height, width = size
    channels = next(layer.conv.in_channels for layer in plan.layers if layer.input == IMAGE and layer.conv is not None)
    generator = stream(0, "kernels.network", 0)
    said = None
    for _ in range(DRAWS):
        image = torch.randn(images, channels, height, width, generator=generator)
        first, second = image.clone().requires_grad_(), image.double().requires_grad_()
        with torch.enable_grad():
            found, expected = network(first), _defined(exact, plan, second)
        weights = [torch.randn(each.shape, generator=generator) for each in expected]
        gradients = _gradients(expected, weights, [second, *exact.parameters()])
        limits = VALUES, GRADIENTS
        if precision == "bfloat16":
            limits = _of_autocast(module, plan, image, weights, expected, gradients)
        if (said := _apart(found, expected, limits[0])) is not None:
            continue
        off = _off(_gradients(found, weights, [first, *module.parameters()]), gradients)
        if off <= limits[1]:
            return None
        said = f"the gradients are off by {off:.2g} of their norm, above {limits[1]:.2g}"
    return said


def _of_autocast(
    module: nn.Module,
    plan: Plan,
    image: Tensor,
    weights: Sequence[Tensor],
    expected: Sequence[Tensor],
    gradients: Sequence[Tensor],
) -> tuple[float, float]:
    """Returns how far outputs, the worst of them, and gradients may lie from what is expected in bfloat16."""
    image = image.clone().requires_grad_()
    with torch.enable_grad(), torch.autocast("cpu", torch.bfloat16):
        found = _defined(module, plan, image)
    values = max(_off([mine], [other]) for mine, other in zip(found, expected, strict=True))
    return AUTOCAST * values, AUTOCAST * _off(_gradients(found, weights, [image, *module.parameters()]), gradients)


def _defined(module: nn.Module, plan: Plan, image: Tensor) -> list[Tensor]:
    known: dict[fx.Node, Any] = {plan.rest[0]: image}
    for node in plan.taken:
        known[node] = computation(module, node)(known)
    return [known[node] for node in plan.outputs]


def _apart(found: Sequence[Tensor], expected: Sequence[Tensor], most: float) -> str | None:
    for index, (mine, other) in enumerate(zip(found, expected, strict=True)):
        if mine.shape != other.shape:
            return f"output {index} has the shape {tuple(mine.shape)}, not {tuple(other.shape)}"
        if (off := _off([mine], [other])) > most:
            return f"output {index} is off by {off:.2g} of its norm, above {most:.2g}"
    return None


def _gradients(outputs: Sequence[Tensor], weights: Sequence[Tensor], inputs: Sequence[Tensor]) -> tuple[Tensor, ...]:
    wanted = [each for each in inputs if each.requires_grad]
    typed = [weight.to(output.dtype) for weight, output in zip(weights, outputs, strict=True)]
    return torch.autograd.grad(outputs, wanted, typed, allow_unused=True, materialize_grads=True)


def _off(found: Sequence[Tensor], expected: Sequence[Tensor]) -> float:
    ours, theirs = (torch.cat([each.detach().double().flatten() for each in side]) for side in (found, expected))
    return float((ours - theirs).norm() / theirs.norm())
