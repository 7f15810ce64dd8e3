"""Each scale's logits (N, 1, h, w) of image and reconstruction to one player's loss over all scales.

The losses that judge every logit for itself are means of phi(x) = factor f(x) + linear x over each image's logits of
each scale, with one of three functions f: every fast form goes through a table of such terms.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ablate.kernels.backend import Tolerance
from ablate.kernels.facts import Operator
from ablate.kernels.layout import supported
from ablate.kernels.trial import Trial, with_nan
from ablate.losses.catalogue import adversarial_losses
from ablate.losses.multi_scale import paired, shares
from ablate.registry import chosen

NOTHING, SQUARE, HINGE, SOFTPLUS = range(4)
"""f(x): 0; (x - a)^2; relu(1 + a x); log(1 + e^(a x)). The numbers are those of adversarial.c."""
PLAYERS = {"discriminator": 0, "generator": 1}


class Form(NamedTuple):
    """A player's loss in each logit of an image: factor f(x) + linear x."""

    kind: int
    a: float = 0.0
    factor: float = 1.0
    linear: float = 0.0


Both = tuple[Form | None, Form]
"""Of the image's logits, where the player is judged by them, and of the reconstruction's."""


def _least_squares(a: float, b: float, c: float, factor: float) -> tuple[Both, Both]:
    return (Form(SQUARE, b, factor), Form(SQUARE, a, factor)), (None, Form(SQUARE, c, factor))


def _vanilla(real_target: float) -> tuple[Both, Both]:
    real = Form(SOFTPLUS, -1.0, 1.0, 1 - real_target)
    return (real, Form(SOFTPLUS, 1.0)), (None, Form(SOFTPLUS, -1.0))


FORMS: Mapping[str, Callable[..., tuple[Both, Both]]] = {
    "vanilla": _vanilla,
    "minimax": lambda: ((Form(SOFTPLUS, -1.0), Form(SOFTPLUS, 1.0)), (None, Form(SOFTPLUS, 1.0, -1.0))),
    "lsgan": lambda fake_target, real_target, generator_target: _least_squares(
        fake_target, real_target, generator_target, 1.0
    ),
    "lsgan_half": lambda: _least_squares(0.0, 1.0, 1.0, 0.5),
    "lsgan_chi2": lambda: _least_squares(-1.0, 1.0, 0.0, 0.5),
    "hinge": lambda: ((Form(HINGE, -1.0), Form(HINGE, 1.0)), (None, Form(NOTHING, linear=-1.0))),
    "wgan": lambda: ((Form(NOTHING, linear=-1.0), Form(NOTHING, linear=1.0)), (None, Form(NOTHING, linear=-1.0))),
}
"""By loss: its options to the forms of discriminator and generator."""


class Term(NamedTuple):
    """One scale's logits of one image, what they are judged by, and the scale's share of the loss."""

    logits: Tensor
    form: Form
    weight: float


class Player:
    """One player's loss as a sum of terms.

    Raises:
        ValueError: for a loss, an option or a player that there is not, and for a loss without a fast form.
    """

    def __init__(
        self, *, loss: str = "lsgan", player: str = "discriminator", reduction: str = "mean", **options: Any
    ) -> None:
        resolved, number = adversarial_losses[loss].resolve(options), chosen("player", player, PLAYERS)
        if loss not in FORMS:
            raise ValueError(f"{loss} has no fast form (there is: {', '.join(FORMS)})")
        self._of_image, self._of_reconstruction = FORMS[loss](**resolved)[number]
        self._reduction = reduction

    def terms(self, images: Sequence[Tensor], reconstructions: Sequence[Tensor]) -> tuple[list[Term], list[Term]]:
        """Returns the terms of the image's logits, none where they do not count, and of the reconstruction's.

        Raises:
            ValueError: for another number of scales or another shape of the two images, and for another type.
        """
        if self._of_image is not None or images:
            paired(images, reconstructions)
        supported(*images, *reconstructions)
        parts, whole = shares(reconstructions, self._reduction)
        weights = [part / whole for part in parts]

        def of(side: Sequence[Tensor], form: Form | None) -> list[Term]:
            return [] if form is None else [Term(x, form, weight) for x, weight in zip(side, weights, strict=True)]

        return of(images, self._of_image), of(reconstructions, self._of_reconstruction)


KINKS = (-1.0, 1.0, 0.0, 50.0, -50.0, 200.0, -200.0)
"""Where hinge losses have their kinks, and where exponentials leave float32's range."""


def _trials(generator: torch.Generator, _options: Mapping[str, Any]) -> Iterator[Trial]:
    shapes = ((2, 1, 9, 13), (2, 1, 5, 7), (2, 1, 3, 3))
    real, fake = ([3 * torch.randn(shape, generator=generator) for shape in shapes] for _ in range(2))
    yield Trial("odd sizes", real, fake)
    yield Trial("one scale", real[:1], fake[:1])
    at_kinks = [torch.tensor(KINKS).repeat(2, 1, 3, 1), -torch.tensor(KINKS).repeat(2, 1, 3, 1)]
    yield Trial("kinks and far logits", at_kinks, at_kinks[::-1])
    yield Trial("with gaps", [each[..., ::2] for each in real], [each.mT.contiguous().mT[..., ::2] for each in fake])
    yield Trial("with NaN", [with_nan(each) for each in real], fake)


OPERATOR = Operator(
    "adversarial",
    _trials,
    float32=Tolerance(2e-6, 1e-6, 1e-5),  # a mean of signed logits may lie anywhere near 0
    bfloat16=Tolerance(2e-6, 1e-6, 4e-3),
    pays_from={
        "cpu": {
            "adversarial": (("native", 0),),
            "vanilla": (("native", 20_000),),
            "minimax": (("native", 20_000),),
        },
        "cuda": {"adversarial": (("triton", 0),)},
    },
)
