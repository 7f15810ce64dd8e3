"""The least discriminator loss over free logits, one for each atom, of two discrete distributions: analytic optima.

p is the distribution of images, q that of reconstructions, both positive and summing to 1.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

Distribution = NDArray[np.float64]


def kullback_leibler(p: Distribution, q: Distribution) -> float:
    """Returns KL(p || q) in nats."""
    return float(np.sum(p * np.log(p / q)))


def jensen_shannon(p: Distribution, q: Distribution) -> float:
    """Returns the Jensen-Shannon divergence in nats."""
    middle = (p + q) / 2
    return (kullback_leibler(p, middle) + kullback_leibler(q, middle)) / 2


def total_variation(p: Distribution, q: Distribution) -> float:
    """Returns half the sum of absolute differences, in 0 to 1."""
    return float(np.abs(p - q).sum() / 2)


def pearson(p: Distribution, q: Distribution) -> float:
    """Returns Pearson's chi-squared of p against q, the sum of (p - q)^2 / q; Neyman's is that of q against p."""
    return float(np.sum((p - q) ** 2 / q))


def squared_hellinger(p: Distribution, q: Distribution) -> float:
    """Returns the sum of squared differences of square roots, in 0 to 2."""
    return float(np.sum((np.sqrt(p) - np.sqrt(q)) ** 2))


def logistic(p: Distribution, q: Distribution) -> float:
    """Goodfellow et al. 2014, theorem 1: 2 ln 2 - 2 JS(p, q)."""
    return 2 * math.log(2) - 2 * jensen_shannon(p, q)


def least_squares(p: Distribution, q: Distribution) -> float:
    """Sum of p q / (p + q), reached by D = p / (p + q)."""
    return float(np.sum(p * q / (p + q)))


def hinge(p: Distribution, q: Distribution) -> float:
    """Lim & Ye 2017: 2 (1 - TV(p, q)), reached by D = sign(p - q)."""
    return 2 * (1 - total_variation(p, q))


ORACLES: Mapping[str, Callable[[Distribution, Distribution], float]] = {
    "vanilla": logistic,
    "minimax": logistic,
    "lsgan": least_squares,
    "lsgan_half": lambda p, q: least_squares(p, q) / 2,
    "lsgan_chi2": lambda p, q: 2 * least_squares(p, q),
    "hinge": hinge,
    "softmax1": lambda _p, _q: 0.0,
    "none": lambda _p, _q: 0.0,
    "f_kl": lambda p, q: -kullback_leibler(p, q),
    "f_rkl": lambda p, q: -kullback_leibler(q, p),
    "f_pearson": lambda p, q: -pearson(p, q),
    "f_neyman": lambda p, q: -pearson(q, p),
    "f_hellinger": lambda p, q: -squared_hellinger(p, q),
    "f_js": lambda p, q: -2 * jensen_shannon(p, q),
    "f_tv": lambda p, q: -total_variation(p, q),
    "oasis": lambda p, q: logistic(p, q) / 2,
}
"""The least discriminator loss of each loss that has one in closed form."""
