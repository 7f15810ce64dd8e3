"""Networks that a codec was trained against, which must not judge it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ablate.config.cell import Cell
from ablate.losses.catalogue import adversarial_losses
from ablate.metrics.metric import Metric
from ablate.metrics.naming import split_name
from ablate.terms import Term


@dataclass(frozen=True)
class Taught:
    """What a codec was trained to lower, and the frozen network that its discriminators judged through.

    Attributes:
        terms: distortion and perceptual term.
        judge: sha256 of the weights of that network, or the digits that it begins with; None without one.
    """

    terms: tuple[Term, ...] = ()
    judge: str | None = None

    @classmethod
    def by(cls, cell: Cell) -> Taught:
        """Returns those of a cell."""
        trained = adversarial_losses[cell.loss.adversarial.name].facts["trains_discriminator"]
        judge = cell.discriminator.frozen_network(cell.discriminator_kind) if trained else None
        return cls((cell.loss.distortion, cell.loss.perceptual), judge)

    def through(self, metric: Metric, weights: Iterable[str] = ()) -> bool:
        """Tells whether a metric looks through one of these networks.

        Args:
            metric: whose figure is judged.
            weights: the sha256 of each file of weights that the metric looks through.
        """
        return self._terms_look_through(metric) or any(self._judges_through(each) for each in weights)

    def _terms_look_through(self, metric: Metric) -> bool:
        if metric.needs.extractor is not None:
            return any(metric.needs.extractor[0] in term.name for term in self.terms)
        kind, _, network = split_name(metric.name)[0].partition("_")
        return any(term.name == kind and term.options.get("network", network) == network for term in self.terms)

    def _judges_through(self, sha256: str) -> bool:
        """Compares two hashes, of which either may be the beginning."""
        return self.judge is not None and (self.judge.startswith(sha256) or sha256.startswith(self.judge))


NOTHING_TAUGHT = Taught()
"""Of a codec that was not trained here."""
