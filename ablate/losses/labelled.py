"""The adversarial loss whose discriminator tells labels apart instead of saying how real a patch is."""

from __future__ import annotations

from ablate.late_torch import F, torch
from ablate.losses.adversarial_loss import AdversarialLoss
from ablate.losses.classic import two_class
from ablate.plugins import adversarial_loss


@adversarial_loss(
    formula=r"L_D = -\tfrac12\left(E \log p(k \mid x) + E \log p(0 \mid \hat x)\right), "
    r"\quad L_G = -E \log p(k \mid \hat x)",
    source="Sushko et al. 2021, equations 1 and 2; with codes as labels Muckley et al. 2023, section 3.2",
    convention="k = 1 ... K is the label of a position, which the codec's own symbols make, and 0 a reconstruction; "
    "all classes weigh alike (Sushko et al. weigh them by their frequency), there is no LabelMix, and L_D has the half "
    "of Muckley et al.'s code, which Sushko's has not; two channels, "
    "the log-probabilities of 0 and of k, stand for the K + 1 logits; facts and curves are those of one label, of the "
    "logit log p(k) - log p(0)",
    gradient_at_zero=-0.5,
    gradient_losing=-0.98201,
    discriminator="labels",
)
def oasis() -> AdversarialLoss:
    """Cross-entropy over the labels of the code and one class for reconstructions; for codes of few symbols."""
    return AdversarialLoss(
        discriminator=lambda real, fake: -(real[:, 1].mean() + fake[:, 0].mean()) / 2,
        generator=lambda _real, fake: -fake[:, 1].mean(),
        decision=two_class,
        channels=lambda logit: torch.cat([F.logsigmoid(-logit), F.logsigmoid(logit)], 1),
        needs=("log p(reconstruction)", "log p(label of the position)"),
    )
