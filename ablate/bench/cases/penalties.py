"""Penalties on gradients: the reduction of a gradient by itself, and R1 and GP whole, through a real discriminator."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ablate.bench.case import Candidate, Case, Kernel, Pair, Setting, Shape, Work
from ablate.bench.cases.operator import Operation, Sizes, images, normal, one_image
from ablate.bench.names import BACKWARD, BASELINE, DOUBLE_BACKWARD
from ablate.bench.traffic import traffic
from ablate.config import DiscriminatorSettings
from ablate.discriminators.build import build_discriminator
from ablate.discriminators.discriminator import Discriminator
from ablate.grid.presets import nested, preset_values
from ablate.kernels import Gradients, Tolerance
from ablate.kernels.gradient_norm.spec import COSTS
from ablate.losses import PenaltyInputs, penalty
from ablate.networks.exact import at_least_float32
from ablate.rng import stream

WEIGHTS_SEED = 0
DOUBLE = Tolerance(value=1e-4, floor=1e-9, gradient=1e-3)
"""Two backward passes through a dozen convolutions in float32; bfloat16 is not asked for."""


def _one_gradient(shape: Shape) -> tuple[Sizes, Sizes]:
    return [tuple(shape)], []


def _reduction(cost: str) -> Operation:
    """Returns the reduction of a gradient to a penalty's value, and its derivative."""

    def loss(gradients: Sequence[Tensor], _none: Sequence[Tensor]) -> Tensor:
        return COSTS[cost](at_least_float32(gradients[0]).square().sum((1, 2, 3)))

    return Operation(
        name=f"{cost}_reduction",
        shape={"cpu": Shape(8, 3, 256, 256), "cuda": Shape(8, 3, 512, 1024)},
        directions=(BACKWARD,),
        operator="gradient_norm",
        options={"cost": cost},
        loss=loss,
        sizes=_one_gradient,
        draw=normal(1e-2),
        flops=(2.0, 3.0),
        image=True,
        reconstruction=False,
    )


@dataclass(frozen=True)
class Penalized:
    """A penalty with the gradients of the discriminators' weights, in the place of the image's."""

    name: str
    discriminator: Discriminator

    def __call__(self, images: Sequence[Tensor], reconstructions: Sequence[Tensor]) -> Gradients:
        """Builds the graph of a gradient, and differentiates through it."""
        inputs = PenaltyInputs(
            image=images[0],
            reconstruction=reconstructions[0],
            real=(),
            fake=(),
            logits=lambda seen: self.discriminator(seen).logits,
            stream=stream(WEIGHTS_SEED, "bench.penalty"),
        )
        term = penalty(self.name).term
        assert term is not None
        value = torch.stack(list(term(inputs))).mean()
        weights = list(self.discriminator.parameters())
        gradients = torch.autograd.grad(value, weights, allow_unused=True, materialize_grads=True)
        return Gradients(value.detach(), gradients, ())


@dataclass(frozen=True, kw_only=True)
class WholePenalty(Kernel):
    """A penalty through three discriminators of the preset `tiny`, with the gradients of their weights."""

    def case(self, setting: Setting) -> Case:
        """Returns the penalty at one setting."""
        contiguous, last = torch.contiguous_format, torch.channels_last
        build = functools.partial(self._build, setting.dtype, setting.device)
        return Case(
            kernel=self.name,
            setting=setting,
            draw=lambda stream: images(*one_image(setting.shape), stream),
            trials=_trials,
            reference=self._build(torch.float64, "cpu", contiguous),
            tolerance=DOUBLE,
            work=self._work(setting),
            candidates=(
                Candidate(BASELINE, functools.partial(build, contiguous)),
                Candidate("channels-last", functools.partial(build, last), prepare=_channels_last),
                Candidate(
                    "torch-compile",
                    lambda: torch.compile(build(contiguous), dynamic=False),
                    specialised=True,
                    build_seconds=40.0,
                ),
            ),
            share=self.share,
        )

    def _build(self, dtype: torch.dtype, device: str, memory: torch.memory_format) -> Penalized:
        settings = DiscriminatorSettings.model_validate(nested(preset_values("tiny"))["discriminator"])
        discriminator = build_discriminator(settings, WEIGHTS_SEED).to(device, dtype).to(memory_format=memory)
        return Penalized(self.name, discriminator)

    def _work(self, setting: Setting) -> Work:
        """Counts eager's convolutions: any form that differentiates the same discriminators makes them all.

        The bytes are those of images, weights and their gradients alone.
        """
        function = self._build(torch.float32, "cpu", torch.contiguous_format)
        pair = images(*one_image(setting.shape), stream(0, "bench.count"))
        weights = sum(weight.nbytes for weight in function.discriminator.parameters())
        counted = traffic(lambda: function(*pair))
        return Work(pair.image[0].nbytes * (1 + (self.name == "gp")) + 2 * weights, counted.flops)


def _trials(seed: int) -> Iterator[tuple[str, Pair]]:
    drawn = stream(seed, "bench.penalty_trials")
    yield "odd sides", images(*one_image(Shape(2, 3, 37, 53)), drawn)
    yield "one image", images(*one_image(Shape(1, 3, 32, 32)), drawn)


def _channels_last(pair: Pair) -> Pair:
    return pair.map(lambda tensor: tensor.contiguous(memory_format=torch.channels_last))


def _whole(name: str) -> WholePenalty:
    return WholePenalty(
        name=name,
        shape={"cpu": Shape(4, 3, 64, 64), "cuda": Shape(8, 3, 256, 256)},
        directions=(DOUBLE_BACKWARD,),
        dtypes=("float32",),
        share=3.0,
    )


KERNELS = (*map(_reduction, COSTS), _whole("r1"), _whole("gp"))
