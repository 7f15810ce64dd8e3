"""Kernels of an operator of `ablate.kernels`, whose inputs are tensors of known shapes."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from ablate.bench.candidates import by_kernels, by_torch, in_direction
from ablate.bench.case import Candidate, Case, Kernel, Pair, Setting, Shape, Work
from ablate.bench.names import BASELINE, FORWARD
from ablate.kernels import OPERATORS
from ablate.kernels.by_autograd import Loss

Sizes = Sequence[tuple[int, ...]]
Draw = Callable[[Sizes, Sizes, torch.Generator], Pair]


@dataclass(frozen=True, kw_only=True)
class Operation(Kernel):
    """A loss that an operator computes.

    Attributes:
        operator: its name in `ablate.kernels`.
        options: of the operator's backends.
        loss: its definition in `ablate.losses`.
        image: whether the gradients of the image's tensors are wanted.
        reconstruction: whether those of the reconstruction's are.
        sizes: the shapes of the image's tensors and of the reconstruction's, for a shape of images.
        draw: random inputs of given shapes.
        flops: of each value of the reconstruction, or of the image where that is alone: forward, and with gradients.
        peers: the candidates from other packages.
        build_seconds: about what compiling it takes.
    """

    operator: str
    options: Mapping[str, Any]
    loss: Loss
    sizes: Callable[[Shape], tuple[Sizes, Sizes]]
    draw: Draw
    flops: tuple[float, float]
    image: bool = False
    reconstruction: bool = True
    peers: Callable[[Setting], Iterable[Candidate]] = lambda _setting: ()
    build_seconds: float = 20.0

    def case(self, setting: Setting) -> Case:
        """Returns the operation at one setting."""
        differentiate = in_direction(setting.direction, image=self.image, reconstruction=self.reconstruction)
        return Case(
            kernel=self.name,
            setting=setting,
            draw=lambda stream: self.draw(*self.sizes(setting.shape), stream),
            trials=self._trials,
            reference=differentiate(self.loss),
            tolerance=OPERATORS[self.operator].tolerance(setting.dtype),
            work=self._work(setting),
            candidates=(
                Candidate(BASELINE, lambda: differentiate(self.loss)),
                *by_torch(self.loss, differentiate, setting, self.build_seconds),
                *by_kernels(self.operator, self.options, setting, self.build_seconds),
                *self.peers(setting),
            ),
            share=self.share,
        )

    def _work(self, setting: Setting) -> Work:
        """Each input is read once, each gradient that is wanted written once."""
        first, second = (sum(map(math.prod, sizes)) for sizes in self.sizes(setting.shape))
        forward = setting.direction == FORWARD
        written = 0 if forward else first * self.image + second * self.reconstruction
        element = setting.dtype.itemsize
        return Work((first + second + written) * element, round((second or first) * self.flops[not forward]))

    def _trials(self, seed: int) -> Iterator[tuple[str, Pair]]:
        for name, image, reconstruction in OPERATORS[self.operator].trials(self.options, seed):
            yield name, Pair(tuple(image), tuple(reconstruction))


def images(image: Sizes, reconstruction: Sizes, stream: torch.Generator) -> Pair:
    """Draws images in [-1, 1] and reconstructions that are off by up to 0.4."""
    images = tuple(2 * torch.rand(size, generator=stream) - 1 for size in image)
    noise = [2 * torch.rand(size, generator=stream) - 1 for size in reconstruction]
    return Pair(images, tuple(0.8 * x + 0.2 * e for x, e in zip(images, noise, strict=True)))


def normal(spread: float) -> Draw:
    """Returns the drawing of normal values with a standard deviation."""

    def draw(image: Sizes, reconstruction: Sizes, stream: torch.Generator) -> Pair:
        first, second = (
            tuple(spread * torch.randn(size, generator=stream) for size in sizes) for sizes in (image, reconstruction)
        )
        return Pair(first, second)

    return draw


def one_image(shape: Shape) -> tuple[Sizes, Sizes]:
    """Returns the shapes of one batch of images and of their reconstructions."""
    return [tuple(shape)], [tuple(shape)]
