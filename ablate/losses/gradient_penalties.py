r"""Penalties on the gradient of the discriminators with respect to what they see.

Common to all: S is an image's score at one scale, its patch logits put together by `reduction`; each penalty looks at
\lVert\nabla S\rVert, at points that differ. `norm` = "sample" takes the norm over all values of an image, "pixel" over
the three of a pixel, and the mean over pixels. `half` halves the term; `every` makes it lazy. An image's gradient is
its own only where the discriminators do not mix images, so not with batch norm.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ablate.late_torch import F, Tensor, torch
from ablate.limits import Weight
from ablate.losses.penalized import REDUCTIONS, OfGradient, Penalty, PenaltyInputs
from ablate.plugins import penalty
from ablate.registry import chosen

WEIGHT = (0.01, 100.0)
EVERY = (1, 16)
RANGES = {"weight": WEIGHT, "every": EVERY}
TINY = 1e-12
"""Keeps the norm of a zero gradient differentiable; compare_gan adds 1e-4."""

SQUARED_NORMS: Mapping[str, Callable[[Tensor], Tensor]] = {
    "sample": lambda gradient: gradient.square().sum((1, 2, 3)),
    "pixel": lambda gradient: gradient.square().sum(1),
}


def _penalty(
    points: Callable[[PenaltyInputs], Tensor],
    cost: Callable[[Tensor], Tensor],
    weight: float,
    reduction: str,
    norm: str,
    half: bool,
    every: int,
) -> Penalty:
    """Builds the penalty whose `cost` takes the squared gradient norms at `points` to a scalar."""
    score, squared_norms = chosen("reduction", reduction, REDUCTIONS), chosen("norm", norm, SQUARED_NORMS)
    factor = weight * every * (0.5 if half else 1.0)

    def by(reduced: Callable[[Tensor], Tensor]) -> Penalty:
        def term(inputs: PenaltyInputs) -> list[Tensor]:
            seen = points(inputs).detach().requires_grad_()
            scores = [score(logits).sum() for logits in inputs.logits(seen)]
            gradients = [torch.autograd.grad(each, seen, create_graph=True)[0] for each in scores]
            return [factor * reduced(gradient) for gradient in gradients]

        return Penalty(term, every, of_gradient=OfGradient(cost, norm, reduced, by))

    return by(lambda gradient: cost(squared_norms(gradient)))


def _between(inputs: PenaltyInputs) -> Tensor:
    share = inputs.uniform(len(inputs.image), 1, 1, 1)
    return share * inputs.image + (1 - share) * inputs.reconstruction


def _norm(squared: Tensor) -> Tensor:
    return (squared + TINY).sqrt()


def far_from_zero(squared: Tensor) -> Tensor:
    """Returns the mean squared distance of norms from 0, of squared norms."""
    return squared.mean()


def far_from_one(squared: Tensor) -> Tensor:
    """Returns the mean squared distance of norms from 1, of squared norms."""
    return (_norm(squared) - 1).square().mean()


@penalty(
    formula=r"\lambda\,E(\lVert\nabla_u S(u)\rVert - 1)^2, \quad u = \alpha x + (1 - \alpha)\hat x, \quad "
    r"\alpha \sim U(0, 1)",
    source="Gulrajani et al. 2017, equation 3 (WGAN-GP)",
    convention="one alpha an image, between an image and its own reconstruction, where generation pairs strangers; "
    "mmgeneration's default norm is pixel, compare_gan's norm is sqrt(1e-4 + sum)",
    ranges=RANGES,
    second_order=True,
)
def gp(
    *, weight: Weight = 10.0, reduction: str = "mean", norm: str = "sample", half: bool = False, every: int = 1
) -> Penalty:
    """Holds the gradient norm at 1 between image and reconstruction."""
    return _penalty(_between, far_from_one, weight, reduction, norm, half, every)


@penalty(
    formula=r"\lambda\,E\,\mathrm{relu}(\lVert\nabla_u S(u)\rVert - 1)^2, \quad u = \alpha x + (1 - \alpha)\hat x",
    source="Petzka et al. 2018 (WGAN-LP)",
    convention="gp, one-sided; it has gp's weight here, so that the two differ in nothing else",
    ranges=RANGES,
    second_order=True,
)
def lp(
    *, weight: Weight = 10.0, reduction: str = "mean", norm: str = "sample", half: bool = False, every: int = 1
) -> Penalty:
    """Holds the gradient norm below 1 between image and reconstruction."""
    return _penalty(
        _between, lambda squared: F.relu(_norm(squared) - 1).square().mean(), weight, reduction, norm, half, every
    )


@penalty(
    formula=r"k\,E\lVert\nabla_u S(u)\rVert^p, \quad u = \alpha x + (1 - \alpha)\hat x",
    source="Wu et al. 2018 (WGAN-div)",
    convention="k is `weight`, p is `power`; between image and reconstruction as in gp, where PyTorch-GAN takes the "
    "mean of the costs at both ends; at p = 6 nearly flat below a norm of 1 and a wall above it",
    ranges={**RANGES, "power": (2.0, 8.0)},
    second_order=True,
)
def div(
    *,
    weight: Weight = 2.0,
    power: float = 6.0,
    reduction: str = "mean",
    norm: str = "sample",
    half: bool = False,
    every: int = 1,
) -> Penalty:
    """Holds a high power of the gradient norm down between image and reconstruction."""
    return _penalty(
        _between, lambda squared: (squared + TINY).pow(power / 2).mean(), weight, reduction, norm, half, every
    )


R1_CONVENTION = (
    "on logits, not on the loss; gamma is `weight`, with StyleGAN's half: 10 in the code of GAN_stability, which has "
    "none, is 20 here. Codebases differentiate the sum of all logits: for M patches M^2 times the mean's term"
)


@penalty(
    formula=r"\tfrac{\gamma}{2}\,E\lVert\nabla_x S(x)\rVert^2",
    source="Mescheder et al. 2018, section 4.1 (R1)",
    convention=R1_CONVENTION,
    ranges=RANGES,
    second_order=True,
)
def r1(
    *, weight: Weight = 10.0, reduction: str = "mean", norm: str = "sample", half: bool = True, every: int = 1
) -> Penalty:
    """Holds the squared gradient norm down at images; StyleGAN's lazy R1 is `every` = 16."""
    return _penalty(lambda inputs: inputs.image, far_from_zero, weight, reduction, norm, half, every)


@penalty(
    formula=r"\tfrac{\gamma}{2}\,E\lVert\nabla_{\hat x} S(\hat x)\rVert^2",
    source="Mescheder et al. 2018, section 4.1 (R2)",
    convention=R1_CONVENTION,
    ranges=RANGES,
    second_order=True,
)
def r2(
    *, weight: Weight = 10.0, reduction: str = "mean", norm: str = "sample", half: bool = True, every: int = 1
) -> Penalty:
    """Holds the squared gradient norm down at reconstructions; R3GAN has it beside r1."""
    return _penalty(lambda inputs: inputs.reconstruction, far_from_zero, weight, reduction, norm, half, every)


def _author_noise(inputs: PenaltyInputs) -> Tensor:
    share = inputs.uniform(len(inputs.image), 1, 1, 1)
    return inputs.image + share * 0.5 * inputs.image.std(correction=0) * inputs.uniform(*inputs.image.shape)


def _compare_gan_noise(inputs: PenaltyInputs) -> Tensor:
    noise = inputs.image.std(correction=0) * (inputs.uniform(*inputs.image.shape) - 0.5)
    return (inputs.image + noise).clamp(-1, 1)


DRAGANS: Mapping[str, Callable[[PenaltyInputs], Tensor]] = {"author": _author_noise, "compare_gan": _compare_gan_noise}


@penalty(
    formula=r"\lambda\,E(\lVert\nabla_u S(u)\rVert - 1)^2, \quad u = x + \tfrac12\alpha\,\mathrm{std}(x)\,U(0, 1) "
    r"\;\text{or}\; u = \mathrm{clip}(x + \mathrm{std}(x)(U(0, 1) - \tfrac12), -1, 1)",
    source="Kodali et al. 2017 (DRAGAN); variant author: its code and StudioGAN, variant compare_gan: that code",
    convention="two penalties of one name: the author's noise only brightens and is scaled by an alpha an image, "
    "compare_gan's is centered and clipped to the range of its images, [0, 1] there and [-1, 1] here; std(x) is the "
    "whole batch's, and doubles with the range",
    ranges=RANGES,
    second_order=True,
)
def dragan(
    *,
    variant: str = "author",
    weight: Weight = 10.0,
    reduction: str = "mean",
    norm: str = "sample",
    half: bool = False,
    every: int = 1,
) -> Penalty:
    """Holds the gradient norm at 1 around images."""
    points = chosen("variant", variant, DRAGANS)
    return _penalty(points, far_from_one, weight, reduction, norm, half, every)


@penalty(
    formula=r"\lambda\,\max_i \lVert\nabla_u S(u_i)\rVert^2, \quad u = \alpha x + (1 - \alpha)\hat x",
    source="Zhou et al. 2019 (Lipschitz GANs)",
    convention="the steepest image of the batch alone, of each scale; norm = pixel takes the steepest pixel",
    ranges=RANGES,
    second_order=True,
)
def maxgp(
    *, weight: Weight = 10.0, reduction: str = "mean", norm: str = "sample", half: bool = False, every: int = 1
) -> Penalty:
    """Holds the largest squared gradient norm of the batch down, between image and reconstruction."""
    return _penalty(_between, lambda squared: squared.max(), weight, reduction, norm, half, every)
