"""The Fréchet distance between two sets of feature vectors, in float64.

tr (S1 S2)^(1/2) is the sum of the singular values of R1 R2^T for any roots S1 = R1^T R1 and S2 = R2^T R2. The centred
features are such roots, so that where there are fewer vectors than dimensions no covariance is needed at all. Where
there are more, the singular values' squares are the eigenvalues of R1 S2 R1^T, which takes a third of the time and
loses the digits of the small ones: how many is known, and where it could show, the singular values are computed.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]

_EPSILON = float(np.finfo(np.float64).eps)
_RELATIVE = 1e-9
"""By how much of the distance the quick way may be wrong before the exact one is taken."""
_SINGLE = 1e-6
"""What rounding may do to a covariance, as a share of its largest entry or eigenvalue, where float32 held it once."""


def frechet_distance(features_a: Any, features_b: Any) -> float:
    """Returns the Fréchet distance of two feature matrices, arrays or tensors (n, d) and (m, d); 0 for equal ones.

    The number is biased upwards where n is small against d, so only distances of equally many vectors compare.
    Nothing is added to the covariances' diagonals: they may well be singular. Source: Heusel et al. 2017, NeurIPS,
    eq. 6.

    Raises:
        ValueError: for fewer than two vectors, other shapes, or values that are not finite.
    """
    return FrechetReference(features_a).distance(features_b)


class FrechetReference:
    """A set of features that others are compared with; what does not depend on the others is computed once.

    Args:
        features: an array or tensor (n, d).

    Raises:
        ValueError: for fewer than two vectors, other shapes, or values that are not finite.
    """

    def __init__(self, features: Any) -> None:
        self._set = _Centred.of("features_a", features)

    def distance(self, features: Any) -> float:
        """Returns the Fréchet distance to another set, (m, d): as `frechet_distance`, whatever was computed before.

        Raises:
            ValueError: as `frechet_distance`.
        """
        a, b = self._set, _Centred.of("features_b", features)
        if a.width != b.width:
            raise ValueError(f"features_a are {a.width} wide, features_b {b.width}")
        if np.array_equal(a.mean, b.mean) and np.array_equal(a.vectors, b.vectors):
            return 0.0
        gap = float(((a.mean - b.mean) ** 2).sum())
        if min(len(a.vectors), len(b.vectors)) >= a.width and a.factor is not None:
            distance, error = _quick(gap, a.factor, a.covariance, b.covariance)
            if error <= _RELATIVE * distance:
                return distance
        return gap + _spread(a.trace + b.trace, a.root, b.root)


def frechet_distance_moments(mean_a: Any, covariance_a: Any, mean_b: Any, covariance_b: Any) -> float:
    """Returns the Fréchet distance of two Gaussians given by means (d,) and covariances (d, d), singular ones too.

    Arrays or tensors. Directions in which a covariance holds nothing but rounding errors count as flat.

    Raises:
        ValueError: for shapes that do not belong together, values that are not finite, or a matrix that is no
            covariance: not symmetric, or with negative eigenvalues beyond rounding.
    """
    width = len(mean_a)
    given = {"mean_a": mean_a, "covariance_a": covariance_a, "mean_b": mean_b, "covariance_b": covariance_b}
    parts = {name: as_matrix(value) for name, value in given.items()}
    for name, value in parts.items():
        shape = (width,) if name.startswith("mean") else (width, width)
        if value.shape != shape or not np.isfinite(value).all():
            raise ValueError(f"{name} must hold finite numbers of shape {shape}; it is of shape {value.shape}")
    for name in ("covariance_a", "covariance_b"):
        _require_covariance(name, parts[name])
    return _of_moments(parts["mean_a"], parts["covariance_a"], parts["mean_b"], parts["covariance_b"])


def frechet_infinity(features_a: Any, features_b: Any, *, sizes: int = 6, draws: int = 2, seed: int = 0) -> float:
    """Returns what the Fréchet distance of paired sets, (n, d) each, tends to for ever more vectors.

    The distance of n vectors is too large by about c / n. It is fitted to `draws` random subsets of each of `sizes`
    sizes from n / 2 to n, the same vectors of both sets. Source: Chong and Forsyth 2020, CVPR (FID-infinity), with
    nested subsets in place of independent ones.

    Raises:
        ValueError: for fewer than 2 d vectors, where the distance does not yet fall like 1 / n, or unequal sets.
    """
    a, b = feature_matrices(features_a, features_b)
    if len(a) != len(b) or len(a) < 2 * a.shape[1]:
        raise ValueError(
            f"the extrapolation needs paired sets of {2 * a.shape[1]} vectors or more at {a.shape[1]} dimensions, "
            f"not {len(a)} and {len(b)}"
        )
    orders = [np.random.default_rng([seed, draw]).permutation(len(a)) for draw in range(draws)]
    inverse = np.linspace(2 / len(a), 1 / len(a), sizes)
    counts = np.rint(1 / inverse).astype(int)
    values = [np.mean([frechet_distance(a[order[:n]], b[order[:n]]) for order in orders]) for n in counts[:-1]]
    values.append(np.float64(frechet_distance(a, b)))
    return float(np.polynomial.Polynomial.fit(1 / counts, values, 1).convert().coef[0])


def frechet_without(features_a: Any, features_b: Any, owners: NDArray[np.intp], count: int) -> list[float | None]:
    """Returns the distances of paired sets, (n, d) each, without each owner's vectors in turn, as a jackknife needs.

    Args:
        features_a: an array or tensor (n, d).
        features_b: another one of as many vectors.
        owners: to which of the owners 0 to count - 1 each vector belongs, (n,).
        count: of owners. One without vectors leaves all; None stands for fewer than two left.
    """
    a, b = feature_matrices(features_a, features_b)
    shift = a.mean(axis=0)
    a, b = a - shift, b - shift
    whole = [(each.sum(axis=0), each.T @ each) for each in (a, b)]
    result: list[float | None] = []
    for owner in range(count):
        own = owners == owner
        left = len(a) - int(own.sum())
        if left < 2:
            result.append(None)
        elif left <= a.shape[1]:
            result.append(frechet_distance(a[~own], b[~own]))
        else:
            # sums less the owner's, which costs far less than the sums of all others
            moments = [
                _less(total, products, each[own], left) for (total, products), each in zip(whole, (a, b), strict=True)
            ]
            result.append(_of_moments(*moments[0], *moments[1]))
    return result


def _less(total: Matrix, products: Matrix, own: Matrix, left: int) -> tuple[Matrix, Matrix]:
    """Returns mean and covariance of the `left` vectors that remain of sums, without the vectors `own`."""
    mean = (total - own.sum(axis=0)) / left
    return mean, (products - own.T @ own - left * np.outer(mean, mean)) / (left - 1)


def feature_matrices(features_a: Any, features_b: Any) -> tuple[Matrix, Matrix]:
    """Returns two sets of feature vectors, arrays or tensors (n, d) and (m, d), as float64 matrices.

    Raises:
        ValueError: for fewer than two vectors, other shapes, or values that are not finite.
    """
    a, b = _features("features_a", features_a), _features("features_b", features_b)
    if a.shape[1] != b.shape[1]:
        raise ValueError(f"features_a are {a.shape[1]} wide, features_b {b.shape[1]}")
    return a, b


@dataclass(frozen=True, eq=False)
class _Centred:
    """A set of vectors about its mean."""

    mean: Matrix
    vectors: Matrix

    @classmethod
    def of(cls, name: str, features: Any) -> _Centred:
        matrix = _features(name, features)
        mean = matrix.mean(axis=0)
        return cls(mean, matrix - mean)

    @property
    def width(self) -> int:
        return self.vectors.shape[1]

    @cached_property
    def trace(self) -> float:
        return float((self.vectors * self.vectors).sum()) / (len(self.vectors) - 1)

    @cached_property
    def covariance(self) -> Matrix:
        products = self.vectors.T @ self.vectors
        products /= len(self.vectors) - 1
        return products

    @cached_property
    def factor(self) -> Matrix | None:
        return _cholesky(self.covariance)

    @cached_property
    def root(self) -> Matrix:
        """At most d rows whose products make the covariance, without the rounding of one."""
        few = len(self.vectors) <= self.width
        rows = self.vectors if few else np.asarray(np.linalg.qr(self.vectors, mode="r"), np.float64)
        return rows / np.sqrt(len(self.vectors) - 1)


def as_matrix(value: Any) -> Matrix:
    """Returns an array or tensor as float64."""
    return np.asarray(value.detach().cpu().numpy() if hasattr(value, "detach") else value, np.float64)


def _features(name: str, features: Any) -> Matrix:
    matrix = as_matrix(features)
    if matrix.ndim != 2 or len(matrix) < 2:
        raise ValueError(f"{name} must be a matrix of two or more feature vectors, not of shape {matrix.shape}")
    return finite(name, matrix)


def finite(name: str, features: Matrix) -> Matrix:
    """Returns features as they are.

    Raises:
        ValueError: for values that are not finite, as a network gives that has overflowed.
    """
    # the sum of finite values is finite, which takes a tenth of the time to see
    with np.errstate(invalid="ignore", over="ignore"):
        total = features.sum()
    if not np.isfinite(total) and not np.isfinite(features).all():
        raise ValueError(f"{name} holds values that are not finite")
    return features


def _require_covariance(name: str, matrix: Matrix) -> None:
    asymmetry, largest = float(abs(matrix - matrix.T).max()), float(abs(matrix).max())
    if asymmetry > _SINGLE * largest:
        raise ValueError(
            f"{name} must be a covariance, which is symmetric; entries across its diagonal differ by {asymmetry:.3g}"
        )
    if _cholesky(matrix) is not None:
        return
    values = np.linalg.eigvalsh(matrix)
    if values[0] < -_SINGLE * max(values[-1], 0.0):
        raise ValueError(
            f"{name} must be a covariance, which has no negative eigenvalue; its least one is {values[0]:.3g}, its "
            f"largest {values[-1]:.3g}"
        )


def _of_moments(mean_a: Matrix, a: Matrix, mean_b: Matrix, b: Matrix) -> float:
    gap = float(((mean_a - mean_b) ** 2).sum())
    if np.array_equal(a, b):
        return gap
    factor = _cholesky(a)
    if factor is not None:
        distance, error = _quick(gap, factor, a, b)
        if error <= _RELATIVE * distance:
            return distance
    return gap + _spread(float(np.trace(a) + np.trace(b)), _eigenroot(a), _eigenroot(b))


def _cholesky(covariance: Matrix) -> Matrix | None:
    """Returns L (d, d), lower, with L L^T = `covariance`; None where rounding leaves it no positive definite matrix."""
    try:
        return np.asarray(np.linalg.cholesky(covariance), np.float64)
    except np.linalg.LinAlgError:
        return None


def _eigenroot(covariance: Matrix) -> Matrix:
    """Returns R (rank, d) with R^T R = `covariance`, without the directions that are only rounding error."""
    values, vectors = np.linalg.eigh(covariance)
    real = values > max(values[-1], 0.0) * len(values) * _EPSILON
    root: Matrix = (vectors[:, real] * np.sqrt(values[real])).T
    return root


def _quick(gap: float, factor: Matrix, covariance_a: Matrix, covariance_b: Matrix) -> tuple[float, float]:
    """Returns the distance by way of squared singular values, and how far rounding may have moved it.

    `factor` is the lower one of `covariance_a`.
    """
    from scipy.linalg.lapack import dsygst

    # L^T S L of a symmetric S: half the products that it takes when nothing is known of them
    product, _ = dsygst(covariance_b, factor, itype=2, lower=1)
    squares = np.linalg.eigvalsh(product, "L")
    singular = np.sqrt(squares.clip(0))
    traces = float(np.trace(covariance_a) + np.trace(covariance_b))
    rounding = 8 * _EPSILON * max(squares[-1], np.finfo(np.float64).tiny)
    # the square root of x + r is off by r / 2 sqrt(x), and by sqrt(r) at most
    error = np.minimum(np.sqrt(rounding), rounding / (2 * singular.clip(np.sqrt(rounding)))).sum()
    return gap + traces - 2 * float(singular.sum()), 2 * float(error) + 8 * _EPSILON * traces


def _spread(traces: float, root_a: Matrix, root_b: Matrix) -> float:
    """Returns what the covariances add; below the rounding error of its large terms it is none, and never negative."""
    spread = traces - 2 * float(np.linalg.svd(root_a @ root_b.T, compute_uv=False).sum())
    return spread if spread > 16 * root_a.shape[1] * _EPSILON * traces else 0.0
