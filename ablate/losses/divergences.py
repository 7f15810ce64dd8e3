r"""Adversarial losses of the f-GAN family: variational bounds of f-divergences.

A divergence with generator function f is bounded by E g(r) - E f*(g(f)), where the output activation g carries a logit
into the domain of f's conjugate f*. The discriminator maximises the bound, so that the least L_D is minus the
divergence. The generator either minimises the bound itself (saturating) or maximises E g(f).

Exponentials of logits go on along their tangent where they would run away: the value stays finite, and the gradient
stays that of the last exact logit, with its sign.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from ablate.late_torch import F, Tensor
from ablate.losses.adversarial_loss import AdversarialLoss
from ablate.plugins import adversarial_loss

LIMIT = 10.0
"""Optimal logits lie inside unless one side shows a patch more than exp(5) (f_neyman), exp(20) (f_hellinger) or exp(10)
times as often as the other."""
LIMITS = {"limit": (5.0, 20.0)}

Pointwise = Callable[[Tensor], Tensor]


def _exp(exponent: Tensor, limit: float) -> Tensor:
    """Returns exp up to the limit, and its tangent there beyond."""
    inside = exponent.clamp(max=limit)
    return inside.exp() * (1 + (exponent - inside))


def _bound(image: Pointwise, reconstruction: Pointwise, saturating: bool, threshold: float = 0.0) -> AdversarialLoss:
    """Builds both players from -g and f*(g), functions of each logit; `threshold` is g^-1(f'(1))."""
    return AdversarialLoss(
        discriminator=lambda real, fake: image(real).mean() + reconstruction(fake).mean(),
        generator=lambda _real, fake: -reconstruction(fake).mean() if saturating else image(fake).mean(),
        threshold=threshold,
    )


@adversarial_loss(
    formula=r"L_D = E e^{f - 1} - E r, \quad L_G = -E f; \quad \mathrm{saturating:}\; L_G = -E e^{f - 1}",
    source="Nowozin et al. 2016, table 2",
    convention="logits favour neither side at 1, not at 0; exp goes on along its tangent from f - 1 = limit",
    gradient_at_zero=-1.0,
    gradient_losing=-1.0,
    ranges=LIMITS,
)
def f_kl(*, saturating: bool = False, limit: float = LIMIT) -> AdversarialLoss:
    """Kullback-Leibler divergence of the images from the reconstructions, KL(p || q)."""
    return _bound(lambda r: -r, lambda f: _exp(f - 1, limit), saturating, threshold=1.0)


@adversarial_loss(
    formula=r"L_D = E e^{-r} + E f - 1, \quad L_G = E e^{-f}; \quad \mathrm{saturating:}\; L_G = 1 - E f",
    source="Nowozin et al. 2016, table 2",
    convention="exp goes on along its tangent from a logit of -limit downwards",
    gradient_at_zero=-1.0,
    gradient_losing=-54.598,
    ranges=LIMITS,
)
def f_rkl(*, saturating: bool = False, limit: float = LIMIT) -> AdversarialLoss:
    """Reverse Kullback-Leibler divergence, KL(q || p)."""
    return _bound(lambda r: _exp(-r, limit), lambda f: f - 1, saturating)


@adversarial_loss(
    formula=r"L_D = E(f^2 / 4 + f) - E r, \quad L_G = -E f; \quad \mathrm{saturating:}\; L_G = -E(f^2 / 4 + f)",
    source="Nowozin et al. 2016, table 2",
    convention="the saturating generator pushes logits below -2 further down",
    gradient_at_zero=-1.0,
    gradient_losing=-1.0,
)
def f_pearson(*, saturating: bool = False) -> AdversarialLoss:
    """Pearson's chi-squared of the images against the reconstructions."""
    return _bound(lambda r: -r, lambda f: f.square() / 4 + f, saturating)


@adversarial_loss(
    formula=r"L_D = E(e^{-r} - 1) + E(2 - 2 e^{-f / 2}), \quad L_G = E e^{-f} - 1; \quad "
    r"\mathrm{saturating:}\; L_G = -E(2 - 2 e^{-f / 2})",
    source="Nowozin et al. 2016, supplementary material",
    convention="both exponentials go on along their tangents from a logit of -limit downwards",
    gradient_at_zero=-1.0,
    gradient_losing=-54.598,
    ranges=LIMITS,
)
def f_neyman(*, saturating: bool = False, limit: float = LIMIT) -> AdversarialLoss:
    """Neyman's chi-squared: Pearson's with the two distributions exchanged."""
    # The same logit for both: with one exponential cut later than the other, L_D would slope the wrong way in between.
    return _bound(lambda r: _exp(-r, limit) - 1, lambda f: 2 - 2 * _exp(-f / 2, limit / 2), saturating)


@adversarial_loss(
    formula=r"L_D = E(e^{-r} - 1) + E(e^{f} - 1), \quad L_G = E e^{-f} - 1; \quad "
    r"\mathrm{saturating:}\; L_G = -E(e^{f} - 1)",
    source="Nowozin et al. 2016, table 2",
    convention="squared Hellinger distance without a half; exp goes on along its tangent from an exponent of limit",
    gradient_at_zero=-1.0,
    gradient_losing=-54.598,
    ranges=LIMITS,
)
def f_hellinger(*, saturating: bool = False, limit: float = LIMIT) -> AdversarialLoss:
    """Squared Hellinger distance."""
    return _bound(lambda r: _exp(-r, limit) - 1, lambda f: _exp(f, limit) - 1, saturating)


@adversarial_loss(
    formula=r"L_D = E\,\mathrm{sp}(-r) + E\,\mathrm{sp}(f) - 2 \ln 2, \quad L_G = E\,\mathrm{sp}(-f) - \ln 2; \quad "
    r"\mathrm{saturating:}\; L_G = \ln 2 - E\,\mathrm{sp}(f)",
    source="Nowozin et al. 2016, table 2",
    convention="vanilla, or saturating minimax, with constants that make the least L_D minus twice the divergence",
    gradient_at_zero=-0.5,
    gradient_losing=-0.98201,
)
def f_js(*, saturating: bool = False) -> AdversarialLoss:
    """Jensen-Shannon divergence, twice; sp is softplus."""
    return _bound(lambda r: F.softplus(-r) - math.log(2), lambda f: F.softplus(f) - math.log(2), saturating)


@adversarial_loss(
    formula=r"L_D = \tfrac12 E \tanh f - \tfrac12 E \tanh r, \quad L_G = -\tfrac12 E \tanh f",
    source="Nowozin et al. 2016, supplementary material",
    convention="has one generator: its saturating and its other form are the same",
    gradient_at_zero=-0.5,
    gradient_losing=-0.00067048,
)
def f_tv() -> AdversarialLoss:
    """Total variation, in 0 to 1; both players' gradients vanish at large logits."""
    return _bound(lambda r: -r.tanh() / 2, lambda f: f.tanh() / 2, saturating=False)
