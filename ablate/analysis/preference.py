"""Scores of arms from judgements of pairs, by the model of Bradley and Terry.

The log-odds that one arm is preferred to another are the difference of their scores; a tie counts half for each. Scores
maximise the likelihood with Firth's penalty, half the logarithm of the determinant of the information: where an arm
never wins, or always does, the bare likelihood has no maximum. With two arms it adds half a judgement to either side.

Bradley and Terry (1952), Biometrika 39; Firth (1993), Biometrika 80.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ablate.analysis.intervals import t_quantile

if TYPE_CHECKING:
    import numpy as np

ENOUGH_IMAGES = 6
"""From so many images on, intervals count how judgements of one image hang together."""
_STEPS, _LONGEST, _CLOSE = 500, 1.0, 1e-9


@dataclass(frozen=True)
class Judged:
    """A judgement of two arms on one image: the share of the preference that the first gets, 1, 0.5 or 0."""

    first: str
    second: str
    share: float
    image: str


@dataclass(frozen=True)
class Preference:
    """What judgements say of an arm.

    Attributes:
        arm: its name.
        won: judgements that preferred it.
        tied: judgements that saw no difference.
        lost: judgements that preferred the other.
        score: log-odds of being preferred to the reference, which has 0; None where no chain of judgements joins them.
        low: lower limit of the score's interval, None where there is no score, and for the reference.
        high: upper limit.
    """

    arm: str
    won: int
    tied: int
    lost: int
    score: float | None
    low: float | None
    high: float | None

    @property
    def judged(self) -> int:
        """How many judgements it is in."""
        return self.won + self.tied + self.lost

    @property
    def one_sided(self) -> bool:
        """Whether it won all of them or lost all, so that the size of its score is the penalty's."""
        return self.judged > 0 and self.judged in (self.won, self.lost)


def preferences(judged: Sequence[Judged], reference: str, confidence: float = 0.95) -> tuple[Preference, ...]:
    """Returns every arm that was judged, the highest score first; those without a score last.

    Intervals are those of the profile of the penalised likelihood (Heinze and Schemper 2002), which hold where an arm
    never wins, too. From `ENOUGH_IMAGES` images on they are over images: widened by how much more judgements scatter
    from image to image than independent ones would (sandwich variance over the likelihood's, Student's quantile).
    Below, judgements count as independent, and say nothing of other images.
    """
    arms = _joined(judged, reference)
    inside = [each for each in judged if each.first in arms and each.second in arms]
    fitted = _fit(inside, arms[1:], confidence) if inside else {}
    found = []
    for arm in dict.fromkeys([reference, *(arm for each in judged for arm in (each.first, each.second))]):
        shares = [each.share if each.first == arm else 1 - each.share for each in judged if arm in _pair(each)]
        counts = (shares.count(1.0), shares.count(0.5), shares.count(0.0))
        own = (0.0, None, None) if arm == reference else fitted.get(arm, (None, None, None))
        found.append(Preference(arm, *counts, *own))
    return tuple(sorted(found, key=lambda each: math.inf if each.score is None else -each.score))


def judgements_needed(share: float, alpha: float = 0.05, power: float = 0.8) -> int:
    """Returns how many judgements of one pair show that it is preferred by a share, by the normal approximation.

    Raises:
        ValueError: for a share that is no preference.
    """
    from scipy import special

    if not 0.5 < share < 1:
        raise ValueError(f"expected a share between 0.5 and 1, found {share}")
    sure, found = special.ndtri(1 - alpha / 2), special.ndtri(power)
    return math.ceil(((sure * 0.5 + found * math.sqrt(share * (1 - share))) / (share - 0.5)) ** 2)


def _pair(each: Judged) -> tuple[str, str]:
    return each.first, each.second


def _joined(judged: Sequence[Judged], reference: str) -> list[str]:
    """Returns the arms that a chain of judgements joins to the reference, which comes first."""
    arms = [reference]
    for arm in arms:
        for each in judged:
            if arm in _pair(each):
                arms += [other for other in _pair(each) if other not in arms]
    return arms


Limits = tuple[float | None, float | None, float | None]


def _fit(judged: Sequence[Judged], arms: Sequence[str], confidence: float) -> dict[str, Limits]:
    """Returns score and limits of each arm beside the reference."""
    import numpy as np
    from scipy import special

    # A row for each pair: +1 for its first arm, -1 for its second, nothing for the reference.
    pairs = list(dict.fromkeys(map(_pair, judged)))
    design = np.array([[(arm == first) - (arm == second) for arm in arms] for first, second in pairs], dtype=float)
    groups = [[each for each in judged if _pair(each) == pair] for pair in pairs]
    won = np.array([sum(each.share for each in group) for group in groups])
    model = _Model(design, won, np.array([float(len(group)) for group in groups]))
    scores = model.maximise(np.zeros(len(arms)))
    # How far the likelihood may fall: from image to image judgements scatter more than independent ones.
    limit = np.full(len(arms), float(special.ndtri(0.5 + confidence / 2)) ** 2)
    images = list(dict.fromkeys(each.image for each in judged))
    if len(images) >= ENOUGH_IMAGES:
        scatter = model.scatter(scores, [[_of(image, group) for group in groups] for image in images])
        limit = np.maximum(limit, t_quantile(len(images) - 1, 0.5 + confidence / 2) ** 2 * scatter)
    found: dict[str, Limits] = {}
    for column, arm in enumerate(arms):
        low, high = (model.where(scores, column, float(limit[column]), sign) for sign in (-1, 1))
        found[arm] = (float(scores[column]), low, high)
    return found


def _of(image: str, judged: Sequence[Judged]) -> tuple[float, int]:
    """Returns the share that a pair's first arm got on an image, in sum, and of how many judgements."""
    shares = [each.share for each in judged if each.image == image]
    return sum(shares), len(shares)


@dataclass(frozen=True, eq=False)
class _Model:
    """Judgements by pair: `design` (pairs, arms), what each pair's first arm won, and of how many judgements."""

    design: np.ndarray
    won: np.ndarray
    count: np.ndarray

    def likelihood(self, scores: np.ndarray) -> float:
        """Returns the penalised log-likelihood."""
        import numpy as np
        from scipy import special

        gaps = self.design @ scores
        bare = self.won @ special.log_expit(gaps) + (self.count - self.won) @ special.log_expit(-gaps)
        return float(bare + np.linalg.slogdet(self.information(scores))[1] / 2)

    def information(self, scores: np.ndarray) -> np.ndarray:
        """Returns Fisher's information of the scores."""
        return self.design.T * self._weight(scores) @ self.design

    def _weight(self, scores: np.ndarray) -> np.ndarray:
        from scipy import special

        return self.count * special.expit(self.design @ scores) * special.expit(-self.design @ scores)

    def _leverage(self, scores: np.ndarray) -> np.ndarray:
        import numpy as np

        covariance = np.linalg.inv(self.information(scores))
        return self._weight(scores) * np.einsum("ki,ij,kj->k", self.design, covariance, self.design)

    def maximise(self, start: np.ndarray, held: int | None = None) -> np.ndarray:
        """Returns the scores of the highest penalised likelihood, one of them held where it is."""
        import numpy as np
        from scipy import special

        free = [column for column in range(len(start)) if column != held]
        scores = start.copy()
        for _ in range(_STEPS if free else 0):
            expected = special.expit(self.design @ scores)
            slope = self.won - self.count * expected + self._leverage(scores) * (0.5 - expected)
            step = np.linalg.solve(self.information(scores)[np.ix_(free, free)], (self.design.T @ slope)[free])
            step *= min(1.0, _LONGEST / max(np.abs(step).max(), 1e-300))
            scores[free] += step
            if np.abs(step).max() < _CLOSE:
                break
        return scores

    def where(self, scores: np.ndarray, column: int, limit: float, sign: int) -> float:
        """Returns where, below or above its best value, twice the profile has fallen by `limit`."""
        import numpy as np
        from scipy import optimize

        best = self.likelihood(scores)

        def fallen(distance: float) -> float:
            moved = scores.copy()
            moved[column] += sign * distance
            return 2 * (best - self.likelihood(self.maximise(moved, column))) - limit

        reach = float(np.sqrt(limit * np.linalg.inv(self.information(scores))[column, column]))
        while fallen(reach) < 0:
            reach *= 2
        return float(scores[column] + sign * optimize.brentq(fallen, 0.0, reach, xtol=1e-6))

    def scatter(self, scores: np.ndarray, by_image: Sequence[Sequence[tuple[float, int]]]) -> np.ndarray:
        """Returns the variance over images of each score, over that of independent judgements.

        Args:
            scores: the best ones.
            by_image: for each image and pair what the pair's first arm won, and of how many judgements.
        """
        import numpy as np
        from scipy import special

        expected, covariance = special.expit(self.design @ scores), np.linalg.inv(self.information(scores))
        own = np.array([[won - count * chance for (won, count), chance in zip(row, expected, strict=True)]
                        for row in by_image]) @ self.design  # fmt: skip
        sandwich = covariance @ (own.T @ own) @ covariance * len(own) / (len(own) - 1)
        return sandwich.diagonal() / covariance.diagonal()
