"""Small discriminators whose gradients are known, and the inputs of penalties."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor, nn

from ablate.losses.catalogue import penalties
from ablate.losses.penalized import Memory, Penalty, PenaltyInputs
from ablate.rng import stream

Logits = Callable[[Tensor], Sequence[Tensor]]

IMAGES, SIDE, PATCH = 3, 8, 4
PATCHES = (SIDE // PATCH) ** 2


def drawn(purpose: str, *shape: int, dtype: torch.dtype = torch.float64) -> Tensor:
    """Numbers in [-1, 1) that depend on nothing but their purpose."""
    return (2 * torch.rand(shape, generator=stream(0, purpose), dtype=torch.float64) - 1).to(dtype)


IMAGE = drawn("image", IMAGES, 3, SIDE, SIDE)
RECONSTRUCTION = drawn("reconstruction", IMAGES, 3, SIDE, SIDE)
WEIGHTS = 0.3 * drawn("weights", 1, 3, PATCH, PATCH)


def linear(weights: Tensor = WEIGHTS) -> Logits:
    """One scale; each patch's logit is <weights, patch>, and patches do not overlap."""
    return lambda x: [nn.functional.conv2d(x, weights.to(x), stride=PATCH)]


def quadratic(slope: float = 1.0) -> Logits:
    """One scale; the logit of each pixel is slope / 2 times its square, so that the sum's gradient is slope * x."""
    return lambda x: [slope / 2 * x.square().sum(1, keepdim=True)]


def constant() -> Logits:
    """One scale whose logits do not change with the image."""
    return linear(torch.zeros_like(WEIGHTS))


class Curved(nn.Module):
    """Two scales of a tiny smooth net; the second sees every other pixel."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.ModuleList(nn.Conv2d(3, 3, 3, 2, 1, dtype=torch.float64) for _ in range(2))
        self.last = nn.ModuleList(nn.Conv2d(3, 1, 1, dtype=torch.float64) for _ in range(2))
        for name, weights in self.named_parameters():
            weights.data = 2 * drawn(name, *weights.shape)

    def forward(self, x: Tensor) -> list[Tensor]:
        images = (x, x[..., ::2, ::2])
        layers = zip(images, self.first, self.last, strict=True)
        return [last(nn.functional.softplus(first(image))) for image, first, last in layers]


def inputs(
    logits: Logits,
    image: Tensor = IMAGE,
    reconstruction: Tensor = RECONSTRUCTION,
    seed: int = 0,
    memory: Memory | None = None,
) -> PenaltyInputs:
    return PenaltyInputs(
        image=image,
        reconstruction=reconstruction,
        real=logits(image),
        fake=logits(reconstruction),
        logits=logits,
        stream=stream(seed, "penalty"),
        memory={} if memory is None else memory,
    )


def built(name: str, options: Mapping[str, object] | None = None) -> Penalty:
    return penalties[name].function(**(options or {}))


def terms(penalty: Penalty, inputs: PenaltyInputs) -> list[Tensor]:
    assert penalty.term is not None
    return list(penalty.term(inputs))


def value(name: str, inputs: PenaltyInputs, **options: object) -> float:
    """The penalty's term where there is one scale."""
    (term,) = terms(built(name, options), inputs)
    return term.item()
