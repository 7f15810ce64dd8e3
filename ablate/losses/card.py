"""The description of a registered loss: its card, its curves, and a worked example that can be checked."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor

from ablate.losses.adversarial_loss import AdversarialLoss
from ablate.losses.catalogue import adversarial_losses, distortions, feature_matchings, penalties
from ablate.registry import Entry, Registry, unknown

CATALOGUES: Mapping[str, Registry] = {
    "adversarial": adversarial_losses,
    "distortion": distortions,
    "penalty": penalties,
    "feature matching": feature_matchings,
}
REAL, FAKE = (0.5, -1.0, 2.0, 0.0), (-0.5, 1.0, 0.0, -3.0)
"""Logits of the worked example: an image of 2 x 2 patches."""
LOGITS = (-6.0, 6.0)
"""Where curves are drawn."""


@dataclass(frozen=True)
class Card:
    """A registered loss in plain data; `ranges` are sensible values of the options, not the limits of what works.

    `options` are by default value; those that have none are `required`, and a loss with any has no curves.
    """

    name: str
    kind: str
    summary: str
    formula: str
    source: str
    convention: str
    options: Mapping[str, Any]
    required: tuple[str, ...]
    ranges: Mapping[str, Any]
    facts: Mapping[str, Any]

    @property
    def has_curves(self) -> bool:
        """Whether it is an adversarial loss that can be made of its name alone."""
        return self.kind == "adversarial" and not self.required


@dataclass(frozen=True)
class LossCurves:
    """Losses of single logits and their derivatives, over the logit; the other player's logit is 0."""

    logit: tuple[float, ...]
    values: Mapping[str, tuple[float, ...]]
    gradients: Mapping[str, tuple[float, ...]]


def cards() -> tuple[Card, ...]:
    """Returns the whole catalogue, kind by kind."""
    return tuple(_card(kind, registry[name]) for kind, registry in CATALOGUES.items() for name in registry)


def card(name: str) -> tuple[Card, ...]:
    """Returns the cards of a name, which may stand in more than one catalogue.

    Raises:
        ValueError: for a name that stands in none, with the nearest.
    """
    everything = cards()
    found = tuple(each for each in everything if each.name == name)
    if not found:
        raise ValueError(unknown("loss", name, sorted({each.name for each in everything})))
    return found


def as_json(card: Card) -> dict[str, Any]:
    """Returns a card as plain data, with its curves and worked example where it has some."""
    plain = asdict(card)
    if card.has_curves:
        plain |= {"curves": asdict(curves(card.name)), "worked_example": worked_example(card.name)}
    return plain


def curves(name: str, points: int = 121) -> LossCurves:
    """Returns the curves of an adversarial loss with its default options."""
    loss: AdversarialLoss = adversarial_losses[name].function().on_logits()
    logits = torch.linspace(*LOGITS, points, dtype=torch.float64)
    players = {
        "discriminator, of the image": lambda x: loss.discriminator(x, 0 * x),
        "discriminator, of the reconstruction": lambda x: loss.discriminator(0 * x, x),
        "generator": lambda x: loss.generator(0 * x, x),
    }
    values, gradients = {}, {}
    for player, function in players.items():
        of = [_value_and_gradient(function, logit) for logit in logits]
        values[player], gradients[player] = (tuple(column) for column in zip(*of, strict=True))
    return LossCurves(tuple(logits.tolist()), values, gradients)


def worked_example(name: str) -> dict[str, Any]:
    """Returns both players' losses on four patches, to check an implementation of one's own."""
    loss: AdversarialLoss = adversarial_losses[name].function().on_logits()
    real, fake = (torch.tensor(each, dtype=torch.float64).reshape(1, 1, 2, 2) for each in (REAL, FAKE))
    return {
        "real_logits": list(REAL),
        "fake_logits": list(FAKE),
        "discriminator": float(loss.discriminator(real, fake)),
        "generator": float(loss.generator(real, fake)),
    }


def _value_and_gradient(function: Any, logit: Tensor) -> tuple[float, float]:
    x = logit.reshape(1, 1, 1, 1).requires_grad_()
    value = function(x)
    (gradient,) = torch.autograd.grad(value, x, materialize_grads=True)
    return float(value.detach()), float(gradient)


def _card(kind: str, entry: Entry) -> Card:
    facts = {name: value for name, value in entry.facts.items() if isinstance(value, float | int | bool | str)}
    convention = str(facts.pop("convention", ""))
    required = entry.required
    options = {name: parameter.default for name, parameter in entry.options.items() if name not in required}
    ranges = dict(entry.facts.get("ranges", {}))
    summary = (inspect.getdoc(entry.function) or "").split("\n\n")[0].replace("\n", " ")
    return Card(entry.name, kind, summary, entry.formula, entry.source, convention, options, required, ranges, facts)
