"""Adversarial losses whose discriminator is an autoencoder: its logit is minus a patch's energy e(v) = E|D(v) - v|.

With r = -e(x) and f = -e(x_hat) they read like any other pair on logits, of which none is positive.
"""

from __future__ import annotations

from ablate.late_torch import F, Tensor
from ablate.losses.adversarial_loss import AdversarialLoss, Memory
from ablate.plugins import adversarial_loss


@adversarial_loss(
    formula=r"L_D = -E\,r + E\,\mathrm{relu}(m + f), \quad L_G = -E\,f, \quad r, f = -e(x), -e(\hat x)",
    source="Zhao, Mathieu and LeCun 2017, equations 1 and 2",
    convention="the energy is a mean of absolute errors in [-1, 1] over each patch, so that margins are below 2 (the "
    "paper's 10 to 80 are of summed squares); without the repelling term of its section 2.4",
    gradient_at_zero=-1.0,
    gradient_losing=-1.0,
    discriminator="energy",
    ranges={"margin": (0.05, 1.0)},
)
def ebgan(*, margin: float = 0.3) -> AdversarialLoss:
    """Energy-based: reproduce images, and reconstructions worse than `margin`, which the generator avoids."""
    if margin <= 0:
        raise ValueError(f"margin is an energy that reconstructions are pushed up to, above 0, not {margin}")
    return AdversarialLoss(
        discriminator=lambda real, fake: F.relu(margin + fake).mean() - real.mean(),
        generator=lambda _real, fake: -fake.mean(),
        threshold=-margin / 2,
    )


@adversarial_loss(
    formula=r"L_D = -E\,r + k_t\,E\,f, \quad L_G = -E\,f, \quad "
    r"k_{t+1} = \min(1, \max(0, k_t + \lambda_k (E\,f - \gamma E\,r)))",
    source="Berthelot, Schumm and Metz 2017, section 3.4",
    convention="r, f are minus the energies; k_0 = 0, one k for each scale, kept within [0, 1] as the paper says "
    "(compare_gan's does not)",
    gradient_at_zero=-1.0,
    gradient_losing=-1.0,
    discriminator="energy",
    ranges={"gamma": (0.3, 1.0), "rate": (1e-4, 1e-1)},
)
def began(*, gamma: float = 0.75, rate: float = 1e-3) -> AdversarialLoss:
    """Boundary equilibrium: as much weight on reconstructions as keeps their energy `gamma` times that of images."""
    if not 0 < gamma <= 1 or rate <= 0:
        raise ValueError(f"gamma is above 0 up to 1 and rate above 0, not {gamma} and {rate}")

    def loss(real: Tensor, fake: Tensor, k: Tensor | float) -> Tensor:
        return k * fake.mean() - real.mean()

    def controlled(real: Tensor, fake: Tensor, memory: Memory) -> Tensor:
        k = memory.get("k", real.new_zeros(()))
        balance = gamma * -real.detach().mean() + fake.detach().mean()
        memory["k"] = (k + rate * balance).clamp(0, 1)
        return loss(real, fake, k)

    return AdversarialLoss(
        discriminator=lambda real, fake: loss(real, fake, 0.0),
        generator=lambda _real, fake: -fake.mean(),
        relative=True,  # there is no energy above which an image is none
        controlled=controlled,
    )
