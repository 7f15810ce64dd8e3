r"""Penalties on scores: of noisy neighbours, of transformed images, and against their own running averages.

S is an image's score at one scale, its patch logits put together by `reduction`. Scores that are compared come out of
one pass, so that their difference is no difference of precision.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ablate.late_torch import F, Tensor, torch
from ablate.limits import Weight
from ablate.losses.penalized import REDUCTIONS, Penalty, PenaltyInputs
from ablate.plugins import penalty
from ablate.registry import chosen

EVERY = (1, 16)


def _distances(inputs: PenaltyInputs, these: Tensor, those: Tensor, score: Callable[[Tensor], Tensor]) -> list[Tensor]:
    """Returns the squared differences (N,) of scores, one tensor a scale; nothing reaches the images."""
    judged = [score(logits).chunk(2) for logits in inputs.logits(torch.cat([these, those]).detach())]
    return [(one - other).square() for one, other in judged]


def _neighbours(
    image: Callable[[PenaltyInputs], Tensor], *, weight: float, sigma: float, reduction: str, every: int
) -> Penalty:
    score = chosen("reduction", reduction, REDUCTIONS)
    if sigma <= 0:
        raise ValueError(f"the noise needs a positive sigma, not {sigma}")

    def term(inputs: PenaltyInputs) -> list[Tensor]:
        here = image(inputs)
        there = here + sigma * inputs.normal(*here.shape)
        return [weight * every * distances.mean() for distances in _distances(inputs, here, there, score)]

    return Penalty(term, every)


AR_CONVENTION = (
    "no half; tends to lambda sigma^2 times the squared gradient norm of S, so that lambda = 100 at sigma = 0.01 is "
    "gamma = 0.02 in r1 and r2. The score is noised and compared as a whole, not patch by patch"
)
AR_RANGES = {"weight": (1.0, 10000.0), "sigma": (0.001, 0.1), "every": EVERY}


@penalty(
    formula=r"\lambda\,E(S(x) - S(x + \sigma\varepsilon))^2, \quad \varepsilon \sim N(0, 1)",
    source="Lin et al. 2025 (Seaweed-APT, arXiv 2501.08316), approximated R1",
    convention=AR_CONVENTION,
    ranges=AR_RANGES,
)
def ar1(*, weight: Weight = 100.0, sigma: float = 0.01, reduction: str = "mean", every: int = 1) -> Penalty:
    """Compares the scores of an image and of a noisy one: r1 by finite differences, without a second derivative."""
    return _neighbours(lambda inputs: inputs.image, weight=weight, sigma=sigma, reduction=reduction, every=every)


@penalty(
    formula=r"\lambda\,E(S(\hat x) - S(\hat x + \sigma\varepsilon))^2, \quad \varepsilon \sim N(0, 1)",
    source="Lin et al. 2025 (Seaweed-APT, arXiv 2501.08316), approximated R2",
    convention=AR_CONVENTION,
    ranges=AR_RANGES,
)
def ar2(*, weight: Weight = 100.0, sigma: float = 0.01, reduction: str = "mean", every: int = 1) -> Penalty:
    """Compares the scores of a reconstruction and of a noisy one: r2 by finite differences."""
    return _neighbours(
        lambda inputs: inputs.reconstruction, weight=weight, sigma=sigma, reduction=reduction, every=every
    )


def transformed(inputs: PenaltyInputs, images: Tensor, *, flip: bool, translation: float) -> Tensor:
    """Flips half of the images (N, C, H, W) horizontally, and moves each by up to `translation` of its sides.

    What moves in is the reflection at the border. As many numbers are drawn whether or not there is a flip.
    """
    height, width = images.shape[-2:]
    draws = inputs.uniform(3, len(images), 1)
    rows = _moved(draws[0], height, translation)
    columns = _moved(draws[1], width, translation)
    if flip:
        columns = torch.where(draws[2] < 0.5, columns.flip(1), columns)
    each = torch.arange(len(images), device=images.device)[:, None, None]
    return images.permute(0, 2, 3, 1)[each, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)


def _moved(draws: Tensor, size: int, translation: float) -> Tensor:
    """Returns which of `size` positions (N, size) are seen after a shift of at most int(translation * size) < size."""
    furthest = int(translation * size)
    shift = (draws * (2 * furthest + 1)).floor().long() - furthest
    position = (torch.arange(size, device=draws.device) + shift).abs()
    return size - 1 - (size - 1 - position).abs()


def _consistent(
    images: Callable[[PenaltyInputs], list[Tensor]],
    weights: list[float],
    *,
    translation: float,
    flip: bool,
    reduction: str,
    every: int,
) -> Penalty:
    """Builds the penalty on how scores change under the transformation, with one weight for each kind of image."""
    score = chosen("reduction", reduction, REDUCTIONS)
    if not 0 <= translation < 1:
        raise ValueError(f"translation is a share of the side, at least 0 and less than 1, not {translation}")

    def term(inputs: PenaltyInputs) -> list[Tensor]:
        before = torch.cat(images(inputs))
        after = transformed(inputs, before, flip=flip, translation=translation)
        kinds = [distances.chunk(len(weights)) for distances in _distances(inputs, before, after, score)]
        return [
            every * torch.stack([weight * kind.mean() for weight, kind in zip(weights, scale, strict=True)]).sum()
            for scale in kinds
        ]

    return Penalty(term, every)


CR_WEIGHT = (0.1, 100.0)
CR_RANGES = {"weight": CR_WEIGHT, "translation": (0.0, 0.25), "every": EVERY}
CR_CONVENTION = (
    "T flips half of the images and moves each by up to an eighth of its sides with reflection, as StudioGAN has it; "
    "scores are compared, since the patches of a moved image lie elsewhere"
)


@penalty(
    formula=r"\lambda\,E(S(x) - S(T(x)))^2",
    source="Zhang et al. 2020 (consistency regularization)",
    convention=CR_CONVENTION,
    ranges=CR_RANGES,
    moves=True,
)
def cr(
    *, weight: Weight = 10.0, translation: float = 0.125, flip: bool = True, reduction: str = "mean", every: int = 1
) -> Penalty:
    """Holds the score of an image still under flips and translations."""
    return _consistent(
        lambda inputs: [inputs.image],
        [weight],
        translation=translation,
        flip=flip,
        reduction=reduction,
        every=every,
    )


@penalty(
    formula=r"\lambda\,E(S(x) - S(T(x)))^2 + \hat\lambda\,E(S(\hat x) - S(T(\hat x)))^2",
    source="Zhao et al. 2021 (improved consistency regularization), balanced",
    convention=CR_CONVENTION + "; image and reconstruction are transformed independently",
    ranges={**CR_RANGES, "reconstruction_weight": CR_WEIGHT},
    moves=True,
)
def bcr(
    *,
    weight: Weight = 10.0,
    reconstruction_weight: Weight = 10.0,
    translation: float = 0.125,
    flip: bool = True,
    reduction: str = "mean",
    every: int = 1,
) -> Penalty:
    """Holds the scores of an image and of its reconstruction still under flips and translations."""
    return _consistent(
        lambda inputs: [inputs.image, inputs.reconstruction],
        [weight, reconstruction_weight],
        translation=translation,
        flip=flip,
        reduction=reduction,
        every=every,
    )


@penalty(
    formula=r"\lambda\,[E\,\mathrm{relu}(r - a_f)^2 + E\,\mathrm{relu}(a_r - f)^2], \quad "
    r"a \leftarrow d\,a + (1 - d)\,E",
    source="Tseng et al. 2021 (LeCam), in the form of its code and StudioGAN's, with relu",
    convention="averages of each scale begin at the first step's means and take a step's in before they are used; "
    "codes begin them at 1000 or 0 instead and hold the term back for a thousand steps",
    ranges={"weight": (0.001, 1.0), "decay": (0.9, 0.999)},
)
def lecam(*, weight: Weight = 0.3, decay: float = 0.99) -> Penalty:
    """Holds the logits of each side to the running average of the other's."""
    if not 0 <= decay < 1:
        raise ValueError(f"lecam needs a decay of at least 0 and less than 1, not {decay}")

    def averages(inputs: PenaltyInputs, name: str, logits: Sequence[Tensor]) -> Tensor:
        now = torch.stack([each.detach().mean() for each in logits])
        inputs.memory[name] = inputs.memory.get(name, now).lerp(now, 1 - decay)
        return inputs.memory[name]

    def term(inputs: PenaltyInputs) -> list[Tensor]:
        real_averages = averages(inputs, "real", inputs.real)
        fake_averages = averages(inputs, "fake", inputs.fake)
        return [
            weight * (F.relu(real - fake_average).square().mean() + F.relu(real_average - fake).square().mean())
            for real, fake, real_average, fake_average in zip(
                inputs.real, inputs.fake, real_averages, fake_averages, strict=True
            )
        ]

    return Penalty(term)


@penalty(
    formula=r"\varepsilon\,E\,r^2",
    source="Karras et al. 2018 (progressive growing of GANs)",
    convention="over batch and patches; keeps logits near zero where only their differences matter, as in wgan",
    ranges={"weight": (0.0001, 0.1)},
)
def drift(*, weight: Weight = 0.001) -> Penalty:
    """Holds the logits of images near zero."""
    return Penalty(lambda inputs: [weight * real.square().mean() for real in inputs.real])
