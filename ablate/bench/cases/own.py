"""Losses that a plugin defines: their definition, and what torch.compile makes of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ablate.bench.case import Case, Pair, Setting, Shape
from ablate.bench.cases.discriminator_outputs import FLOPS, logits_of
from ablate.bench.cases.images import SHAPE
from ablate.bench.cases.operator import Operation, images, normal, one_image
from ablate.bench.names import BASELINE, TORCH_COMPILE
from ablate.kernels import Tolerance
from ablate.losses import adversarial, distortion
from ablate.losses.catalogue import adversarial_losses, distortions
from ablate.plugins.load import origin_of
from ablate.plugins.source import Source
from ablate.rng import stream

PLAYERS = ("discriminator", "generator")
TRIAL_SIDE = 64
OWN = Tolerance(value=1e-4, floor=1e-6, gradient=1e-3)
"""How far from float64 a definition in float32 may lie: nobody has chosen its form for its rounding."""


@dataclass(frozen=True, kw_only=True)
class OwnLoss(Operation):
    """A loss without kernels of this package; shapes and work are those of the operator of its kind."""

    def case(self, setting: Setting) -> Case:
        """Returns the loss at one setting."""
        case = super().case(setting)
        kept = [each for each in case.candidates if each.name.startswith((BASELINE, TORCH_COMPILE))]
        tolerance = OWN if setting.dtype is torch.float32 else case.tolerance
        return replace(case, candidates=tuple(kept), tolerance=tolerance)

    def _trials(self, seed: int) -> Iterator[tuple[str, Pair]]:
        drawn = stream(seed, "bench.own_trials")
        for name, count in (("several images", 2), ("one image", 1)):
            yield name, self.draw(*self.sizes(Shape(count, 3, TRIAL_SIDE, TRIAL_SIDE + 16)), drawn)


def own_kernels(source: Source) -> Iterator[OwnLoss]:
    """Yields both players' losses of each adversarial loss of a plugin that was loaded, and its distortions."""
    for name in adversarial_losses.of(origin_of(source)):
        yield from (_adversarial(name, player) for player in PLAYERS)
    for name in distortions.of(origin_of(source)):
        yield _distortion(name)


def _adversarial(name: str, player: str) -> OwnLoss:
    return OwnLoss(
        name=f"{name}_{player[0]}",
        shape={"cpu": Shape(8, 3, 512, 1024), "cuda": Shape(8, 3, 512, 1024)},
        operator="adversarial",
        options={},
        loss=getattr(adversarial(name), player),
        sizes=logits_of,
        draw=normal(2.0),
        flops=FLOPS,
        image=player == "discriminator",
    )


def _distortion(name: str) -> OwnLoss:
    function = distortion(name)

    def loss(originals: Sequence[Tensor], reconstructions: Sequence[Tensor]) -> Tensor:
        return function(originals[0], reconstructions[0])

    return OwnLoss(
        name=name,
        shape=SHAPE,
        operator="distortion",
        options={},
        loss=loss,
        sizes=one_image,
        draw=images,
        flops=(4.0, 6.0),
    )
