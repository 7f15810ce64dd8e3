"""Kernel distances between two sets of feature vectors: unbiased estimates of the squared MMD, in float64.

The kernel is KID's, k(x, y) = (x.y / d + 1)^3. It is not free of scale: figures of different extractors or taps have
nothing to do with each other.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ablate.metrics.distance import Matrix, feature_matrices

_ROWS_AT_ONCE = 512


def kid(features_a: Any, features_b: Any) -> float:
    """Returns the unbiased squared MMD of two independent sets of features, arrays or tensors (n, d) and (m, d).

    It is below zero about as often as above where both sets are alike. For images and their own reconstructions it is
    wrong, far too low: each is more alike to its partner than to a stranger. `kid_paired` is for these.
    Source: Bińkowski et al. 2018, ICLR, with all vectors instead of the mean over subsets of 1000.

    Raises:
        ValueError: for fewer than two vectors, other shapes, or values that are not finite.
    """
    a, b = feature_matrices(features_a, features_b)
    cross = sum(float(_kernel(rows, b).sum()) for _, rows in _blocks(a))
    return _within(a) + _within(b) - 2 * cross / (len(a) * len(b))


def kid_paired(features_a: Any, features_b: Any, images: ArrayLike | None = None) -> float:
    """Returns the squared MMD of sets whose i-th vectors belong together, arrays or tensors (n, d); 0 for equal ones.

    It is the u-statistic over pairs (i, j) of k(a_i, a_j) + k(b_i, b_j) - k(a_i, b_j) - k(b_i, a_j) without those of
    one image: matched pairs and patches of one image are not independent, and would bias it.

    Args:
        features_a: of the originals' patches.
        features_b: of the reconstructions' patches, in the same order.
        images: the number of the image that each patch is from, (n,); each is its own image by default.

    Source: Gretton et al. 2012, JMLR 13, eq. 4 (MMD_u^2); Sutherland et al. 2017 for the form without matched pairs.

    Raises:
        ValueError: for other shapes, values that are not finite, or patches of fewer than two images.
    """
    a, b = _paired_matrices(features_a, features_b)
    numbers = np.arange(len(a)) if images is None else np.asarray(images)
    if numbers.shape != (len(a),):
        raise ValueError(f"images must be one number a patch, {(len(a),)}, not {numbers.shape}")
    total, pairs = 0.0, 0
    for start, h in _paired_blocks(a, b):
        others = numbers[start : start + len(h), None] != numbers
        total += float((h * others).sum())
        pairs += int(others.sum())
    if not pairs:
        raise ValueError("kid_paired needs patches of two images or more")
    return total / pairs


def image_sums(features_a: Any, features_b: Any, counts: ArrayLike) -> Matrix:
    """Returns the sums of the u-statistic's terms between the patches of each two images, (images, images).

    They are all that is needed for the estimate on any subset of the images.

    Args:
        features_a: of the originals' patches (n, d), image after image.
        features_b: of the reconstructions' patches, in the same order.
        counts: how many patches each image has, (images,).
    """
    a, b = _paired_matrices(features_a, features_b)
    number = np.asarray(counts)
    assert number.sum() == len(a), f"{len(a)} patches, and {number.sum()} are counted"
    owner, filled = np.repeat(np.arange(len(number)), number), np.flatnonzero(number)
    sums = np.zeros((len(number), len(number)))
    for start, h in _paired_blocks(a, b):
        across = np.add.reduceat(h, (number.cumsum() - number)[filled], axis=1)
        np.add.at(sums, (owner[start : start + len(h), None], filled), across)
    return sums


def kid_without(sums: Matrix, counts: ArrayLike, images: NDArray[np.intp] | None = None) -> float | None:
    """Returns the paired kernel distance from `image_sums`, with some images left out; None where no pair is left."""
    n = np.asarray(counts, np.float64)
    keep = np.ones(len(n), bool)
    if images is not None:
        keep[images] = False
    n, kept = n[keep], sums[np.ix_(keep, keep)]
    pairs = n.sum() ** 2 - (n**2).sum()
    return float((kept.sum() - np.trace(kept)) / pairs) if pairs else None


def _paired_matrices(features_a: Any, features_b: Any) -> tuple[Matrix, Matrix]:
    a, b = feature_matrices(features_a, features_b)
    if len(a) != len(b):
        raise ValueError(f"features_a are {len(a)} vectors, features_b {len(b)}: paired sets are equally large")
    return a, b


def _blocks(a: Matrix) -> Iterator[tuple[int, Matrix]]:
    for start in range(0, len(a), _ROWS_AT_ONCE):
        yield start, a[start : start + _ROWS_AT_ONCE]


def _paired_blocks(a: Matrix, b: Matrix) -> Iterator[tuple[int, Matrix]]:
    """Yields rows of h_ij = k(a_i, a_j) + k(b_i, b_j) - 2 k(a_i, b_j), whose sums over (i, j) and (j, i) are right."""
    for start, rows in _blocks(a):
        yield start, _kernel(rows, a) + _kernel(b[start : start + len(rows)], b) - 2 * _kernel(rows, b)


def _within(a: Matrix) -> float:
    """Returns the mean kernel of different vectors of one set."""
    total = sum(float(_kernel(rows, a).sum()) for _, rows in _blocks(a))
    own = ((a * a).sum(axis=1) / a.shape[1] + 1) ** 3
    return (total - float(own.sum())) / (len(a) * (len(a) - 1))


def _kernel(x: Matrix, y: Matrix) -> Matrix:
    inner: Matrix = x @ y.T
    inner /= x.shape[1]
    inner += 1
    return inner * inner * inner
