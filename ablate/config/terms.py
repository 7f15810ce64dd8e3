"""How a setting names a loss, or several, with their options."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator

from ablate.losses.catalogue import adversarial_losses, distortions, feature_matchings, generator_losses, penalties
from ablate.terms import Resolve, ResolveEach, Term

AdversarialTerm = Annotated[Term, AfterValidator(Resolve(adversarial_losses))]
GeneratorTerm = Annotated[Term, AfterValidator(Resolve(generator_losses))]
DistortionTerm = Annotated[Term, AfterValidator(Resolve(distortions))]
MatchingTerm = Annotated[Term, AfterValidator(Resolve(feature_matchings))]
PenaltyTerms = Annotated[tuple[Term, ...], AfterValidator(ResolveEach(penalties))]
