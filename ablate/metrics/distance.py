"""The Fréchet distance between two sets of feature vectors, in float64."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ablate.metrics.catalogue import metrics
from ablate.metrics.features import extractor

if TYPE_CHECKING:
    from torch import Tensor

Matrix = NDArray[np.float64]

_FORMULA = "|m1 - m2|^2 + tr(S1 + S2 - 2 (S1 S2)^(1/2)) over features of paired 8-bit patches; covariances with n - 1"


@metrics.register(
    direction="lower",
    unit="",
    label="FD-Lite0-112",
    formula=f"{_FORMULA}; EfficientNet-Lite0, mean of block 10",
    source="Heusel et al. 2017, NeurIPS, eq. 6, with another network than theirs: never comparable with FID",
)
def fd_lite0_112(originals: Tensor, reconstructions: Tensor) -> float:
    """Returns the distance between uint8 patches (N, 3, p, p) and their reconstructions at the 112-wide tap."""
    return _fd_lite0(originals, reconstructions, 112)


@metrics.register(
    direction="lower",
    unit="",
    label="FD-Lite0-1280",
    formula=f"{_FORMULA}; EfficientNet-Lite0, head; far more biased below some thousand patches than the 112-wide tap",
    source="Heusel et al. 2017, NeurIPS, eq. 6, with another network than theirs: never comparable with FID",
)
def fd_lite0_1280(originals: Tensor, reconstructions: Tensor) -> float:
    """Returns the distance between uint8 patches (N, 3, p, p) and their reconstructions at the 1280-wide head."""
    return _fd_lite0(originals, reconstructions, 1280)


def _fd_lite0(originals: Tensor, reconstructions: Tensor, tap: int) -> float:
    lite0 = extractor("lite0", tap=tap)
    return frechet_distance(lite0(originals), lite0(reconstructions))


def frechet_distance(features_a: Any, features_b: Any) -> float:
    """Returns the Fréchet distance of two feature matrices, arrays or tensors (n, d) and (m, d); 0 for equal ones.

    The number is biased upwards where n is small against d, so only distances of equally many vectors compare.
    Nothing is added to the covariances' diagonals: they may well be singular.

    Raises:
        ValueError: for fewer than two vectors, other shapes, or values that are not finite.
    """
    a, b = _features("features_a", features_a), _features("features_b", features_b)
    if a.shape[1] != b.shape[1]:
        raise ValueError(f"features_a are {a.shape[1]} wide, features_b {b.shape[1]}")
    mean_a, mean_b = a.mean(axis=0), b.mean(axis=0)
    a, b = (a - mean_a) / np.sqrt(len(a) - 1), (b - mean_b) / np.sqrt(len(b) - 1)
    if max(len(a), len(b)) >= a.shape[1]:
        return frechet_distance_moments(mean_a, a.T @ a, mean_b, b.T @ b)
    # tr (S1 S2)^(1/2) is the sum of the singular values of A B^T where S1 = A^T A and S2 = B^T B.
    cross = float(np.linalg.svd(a @ b.T, compute_uv=False).sum())
    return _distance(mean_a - mean_b, float((a * a).sum() + (b * b).sum()), cross, a.shape[1])


def frechet_distance_moments(mean_a: Matrix, cov_a: Matrix, mean_b: Matrix, cov_b: Matrix) -> float:
    """Returns the Fréchet distance of two Gaussians given by means (d,) and covariances (d, d), singular ones too.

    Raises:
        ValueError: for shapes that do not belong together or values that are not finite.
    """
    width = len(mean_a)
    for name, value, shape in (
        ("mean_a", mean_a, (width,)),
        ("cov_a", cov_a, (width, width)),
        ("mean_b", mean_b, (width,)),
        ("cov_b", cov_b, (width, width)),
    ):
        if np.shape(value) != shape or not np.isfinite(value).all():
            raise ValueError(f"{name} must hold finite numbers of shape {shape}; it is of shape {np.shape(value)}")
    root_a, root_b = _root(np.asarray(cov_a, np.float64)), _root(np.asarray(cov_b, np.float64))
    cross = float(np.linalg.svd(root_a.T @ root_b, compute_uv=False).sum())
    return _distance(np.subtract(mean_a, mean_b), float(np.trace(cov_a) + np.trace(cov_b)), cross, width)


def _features(name: str, features: Any) -> Matrix:
    if hasattr(features, "detach"):
        features = features.detach().cpu().numpy()
    matrix = np.asarray(features, np.float64)
    if matrix.ndim != 2 or len(matrix) < 2:
        raise ValueError(f"{name} must be a matrix of two or more feature vectors, not of shape {matrix.shape}")
    if not np.isfinite(matrix).all():
        raise ValueError(f"{name} holds values that are not finite")
    return matrix


def _root(covariance: Matrix) -> Matrix:
    """Returns R (d, rank) with R R^T = `covariance`, without the directions that are only rounding error."""
    values, vectors = np.linalg.eigh(covariance)
    real = values > max(values[-1], 0.0) * len(values) * np.finfo(np.float64).eps
    root: Matrix = vectors[:, real] * np.sqrt(values[real])
    return root


def _distance(mean_difference: Matrix, traces: float, cross: float, width: int) -> float:
    """Puts the parts together; a spread below the rounding error of its large terms is none, and never negative."""
    spread = traces - 2 * cross
    if spread <= 16 * width * np.finfo(np.float64).eps * traces:
        spread = 0.0
    return float(mean_difference @ mean_difference) + spread
