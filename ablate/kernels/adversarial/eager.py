"""The definition, by autograd; the generator's gradient is the reconstruction's alone."""

from __future__ import annotations

from ablate.kernels.adversarial.spec import PLAYERS
from ablate.kernels.backend import Function
from ablate.kernels.by_autograd import by_autograd
from ablate.losses import adversarial
from ablate.registry import chosen


def build(*, loss: str = "lsgan", player: str = "discriminator", reduction: str = "mean", **options: float) -> Function:
    """Returns one player's loss with its gradients."""
    chosen("player", player, PLAYERS)
    definition = adversarial(loss, reduction=reduction, **options)  # type: ignore[arg-type]  # it checks the name
    return by_autograd(getattr(definition, player), image=player == "discriminator")
