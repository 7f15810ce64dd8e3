"""The objective's terms by name, each computed by the backend that was chosen for it, or by its definition."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from torch import Tensor

from ablate.config import Term
from ablate.kernels import KernelLoss
from ablate.kernels.adversarial.spec import FORMS, PLAYERS
from ablate.kernels.asked import OPERATOR_OF, Ask, FastAdversarial, fast_distortion, operation
from ablate.losses import MultiScaleLoss, feature_matching
from ablate.losses.by_name import built, over_all_scales
from ablate.losses.catalogue import distortions, feature_matchings
from ablate.losses.distortion_loss import Distortion
from ablate.losses.matching import TermWeight
from ablate.losses.multi_scale import Reduction
from ablate.objective.choice import Choice

Features = Sequence[Sequence[Tensor]]
"""Each scale's features by layer."""


class Matching(Protocol):
    """Unweighted feature matching over all scales and layers."""

    def __call__(self, *, real: Features, fake: Features) -> Tensor:
        """Returns a float32 scalar whose gradient reaches `fake` alone."""
        ...


def adversarial_of(term: Term, reduction: Reduction, choice: Choice | None = None) -> MultiScaleLoss:
    """Returns an adversarial loss whose players each get a backend at their first use, where there is a choice."""
    loss = over_all_scales(term.name, term.options, reduction)
    if choice is None or term.name not in FORMS:
        return loss

    def asking(player: str) -> Ask:
        options = {"loss": term.name, "player": player, "reduction": reduction, **term.options}
        return _at_first_use(lambda tensors: choice.loss(player, term.name, "adversarial", options, tensors))

    return FastAdversarial(loss.loss, reduction, loss.sees_real, ask={player: asking(player) for player in PLAYERS})


def distortion_of(term: Term, choice: Choice | None = None) -> Distortion:
    """Returns a distortion that gets a backend at its first use, where there is a choice."""
    definition: Distortion = built(distortions, term.name, term.options)
    if choice is None or term.name not in OPERATOR_OF:
        return definition
    operator, options = operation(term.name, term.options)
    ask = _at_first_use(lambda tensors: choice.loss("distortion", term.name, operator, options, tensors))

    return fast_distortion(definition, ask)


def matching_of(term: Term, choice: Choice | None = None) -> Matching:
    """Returns feature matching that gets a backend at its first use, where there is a choice."""
    weight: TermWeight = built(feature_matchings, term.name, term.options)
    found: list[KernelLoss | None] = []

    def matching(*, real: Features, fake: Features) -> Tensor:
        images, reconstructions = ([layer for scale in side for layer in scale] for side in (real, fake))
        if not found:
            options = {"weight": weight(len(fake), len(fake[0]))}
            role = "feature_matching"
            found.append(choice.loss(role, role, role, options, reconstructions) if choice else None)
        if found[0] is None:
            return feature_matching(real=real, fake=fake, weight=weight)
        return found[0](image=images, reconstruction=reconstructions)

    return matching


def _at_first_use(ask: Callable[[Sequence[Tensor]], KernelLoss | None]) -> Ask:
    """Asks once, with the tensors of one image, and answers the same from then on."""
    found: list[KernelLoss | None] = []

    def answer(_images: Sequence[Tensor], reconstructions: Sequence[Tensor]) -> KernelLoss | None:
        if not found:
            found.append(ask(reconstructions))
        return found[0]

    return answer
