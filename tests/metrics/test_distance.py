from __future__ import annotations

import numpy as np
import pytest
import scipy.linalg
import torch

from ablate.metrics import FrechetReference, distance, frechet_distance, frechet_distance_moments, frechet_infinity
from ablate.metrics.distance import frechet_without


def features(n: int, width: int, seed: int) -> np.ndarray:
    """Correlated features of unequal spread."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, width)) @ rng.normal(size=(width, width)) + rng.normal(size=width)


def distance_by_matrix_root(a: np.ndarray, b: np.ndarray) -> float:
    covariance_a, covariance_b = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    root = scipy.linalg.sqrtm(covariance_a @ covariance_b).real
    return ((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(covariance_a + covariance_b - 2 * root)


@pytest.mark.parametrize(("n", "m", "width"), [(400, 400, 20), (200, 90, 40), (30, 1000, 8)])
def test_it_agrees_with_scipys_matrix_root_on_full_rank(n: int, m: int, width: int) -> None:
    a, b = features(n, width, seed=0), features(m, width, seed=1)
    assert frechet_distance(a, b) == pytest.approx(distance_by_matrix_root(a, b), rel=1e-9)


def test_gaussians_with_diagonal_covariances_by_hand() -> None:
    covariance_a, covariance_b = np.diag([4.0, 9.0, 0.0]), np.diag([1.0, 16.0, 25.0])
    # (2 - 1)^2 + (3 - 4)^2 + (0 - 5)^2, and the means are 3, 4, 12 apart
    value = frechet_distance_moments(np.zeros(3), covariance_a, np.array([3.0, 4.0, 12.0]), covariance_b)
    assert value == pytest.approx(27 + 169, rel=1e-14)


def test_gaussians_with_one_basis_by_hand() -> None:
    basis = np.linalg.qr(np.random.default_rng(0).normal(size=(6, 6)))[0]
    spread_a, spread_b = np.array([1.0, 2, 3, 4, 5, 6]), np.array([2.0, 2, 5, 0, 1, 7])
    covariances = [basis * spread**2 @ basis.T for spread in (spread_a, spread_b)]
    value = frechet_distance_moments(np.zeros(6), covariances[0], np.zeros(6), covariances[1])
    assert value == pytest.approx(((spread_a - spread_b) ** 2).sum(), rel=1e-12)


@pytest.mark.parametrize(("n", "m"), [(40, 30), (12, 200), (300, 9)])
def test_features_in_a_subspace_have_the_distance_they_have_there(n: int, m: int) -> None:
    a, b = features(n, 8, seed=0), features(m, 8, seed=1)
    embedding = np.linalg.qr(np.random.default_rng(2).normal(size=(100, 8)))[0].T
    assert frechet_distance(a @ embedding, b @ embedding) == pytest.approx(distance_by_matrix_root(a, b), rel=1e-9)


def test_fewer_vectors_than_dimensions_agree_with_their_singular_moments() -> None:
    a, b = features(15, 50, seed=0), features(20, 50, seed=1)
    moments = [part for x in (a, b) for part in (x.mean(0), np.cov(x, rowvar=False))]
    assert frechet_distance(a, b) == pytest.approx(frechet_distance_moments(*moments), rel=1e-12)


@pytest.mark.parametrize(("n", "width"), [(500, 20), (20, 200), (200, 112), (2, 5)])
def test_a_set_has_no_distance_from_itself(n: int, width: int) -> None:
    a = features(n, width, seed=3)
    assert frechet_distance(a, a) == 0
    assert frechet_distance(a, a[::-1]) == pytest.approx(0, abs=1e-12)
    assert frechet_distance(a, a[::-1]) >= 0


def test_a_shift_alone_is_its_squared_length() -> None:
    a = features(100, 10, seed=0)
    assert frechet_distance(a, a + 2) == pytest.approx(10 * 4, rel=1e-10)


def test_a_small_difference_is_not_lost_in_rounding() -> None:
    a = features(500, 20, seed=0)
    centred = a - a.mean(0)
    stretched = a.mean(0) + centred * (1 + 1e-5)
    assert frechet_distance(a, stretched) == pytest.approx(1e-10 * np.trace(np.cov(a, rowvar=False)), rel=1e-4)


def test_constant_features_have_only_a_distance_of_means() -> None:
    assert frechet_distance(np.zeros((5, 3)), np.ones((4, 3))) == 3


def test_arrays_and_tensors_are_alike() -> None:
    a, b = features(50, 6, seed=0), features(50, 6, seed=1)
    tensors = torch.from_numpy(a).requires_grad_(), torch.from_numpy(b)
    assert frechet_distance(*tensors) == frechet_distance(a, b) == pytest.approx(frechet_distance(b, a), rel=1e-12)
    assert isinstance(frechet_distance(a, b), float)


@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        (np.zeros((1, 3)), np.zeros((5, 3)), "features_a must be a matrix of two or more"),
        (np.zeros((5, 3)), np.zeros(5), "features_b must be a matrix"),
        (np.zeros((5, 3)), np.zeros((5, 4)), "features_a are 3 wide, features_b 4"),
        (np.zeros((5, 3)), np.diag([0, np.nan, 0]), "features_b holds values that are not finite"),
        (np.diag([0, 0, np.inf]), np.zeros((5, 3)), "features_a holds values that are not finite"),
    ],
)
def test_features_that_have_no_distance_are_refused(a: np.ndarray, b: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        frechet_distance(a, b)


def test_moments_that_do_not_belong_together_are_refused() -> None:
    with pytest.raises(ValueError, match=r"covariance_b must hold finite numbers of shape \(3, 3\)"):
        frechet_distance_moments(np.zeros(3), np.eye(3), np.zeros(3), np.eye(4))
    with pytest.raises(ValueError, match=r"mean_b must hold finite numbers of shape \(3,\)"):
        frechet_distance_moments(np.zeros(3), np.eye(3), np.array([0, np.nan, 0]), np.eye(3))


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        ([[1.0, 0.5], [0.4, 1.0]], "covariance_b must be a covariance, which is symmetric; .* differ by 0.1"),
        ([[1.0, 2.0], [2.0, 1.0]], "no negative eigenvalue; its least one is -1, its largest 3"),
        ([[-1.0, 0.0], [0.0, -2.0]], "no negative eigenvalue; its least one is -2, its largest -1"),
        ([[1.0, np.inf], [np.inf, 1.0]], "covariance_b must hold finite numbers"),
    ],
)
def test_what_is_no_covariance_is_refused(matrix: list, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        frechet_distance_moments(np.zeros(2), np.eye(2), np.zeros(2), np.array(matrix))


def test_covariances_that_float32_held_once_are_taken() -> None:
    a, b = features(15, 200, seed=0), features(400, 200, seed=1)
    moments = [part for x in (a, b) for part in (x.mean(0), np.cov(x, rowvar=False))]
    rounded = [part.astype(np.float32) for part in moments]
    assert np.linalg.eigvalsh(rounded[1].astype(float))[0] < 0
    assert frechet_distance_moments(*rounded) == pytest.approx(frechet_distance_moments(*moments), rel=1e-3)


def spectrum(n: int, width: int, smallest: float, seed: int) -> np.ndarray:
    """Features whose spreads fall from 1 to `smallest`, along directions that no axis has."""
    rng = np.random.default_rng(seed)
    basis = np.linalg.qr(np.random.default_rng(9).normal(size=(width, width)))[0]
    return rng.normal(size=(n, width)) * np.geomspace(1, smallest, width) @ basis


def by_singular_values(a: np.ndarray, b: np.ndarray) -> float:
    """The distance without any covariance: nothing is squared, so no digit is lost."""
    gap = ((a.mean(0) - b.mean(0)) ** 2).sum()
    a, b = ((x - x.mean(0)) / np.sqrt(len(x) - 1) for x in (a, b))
    return gap + (a * a).sum() + (b * b).sum() - 2 * np.linalg.svd(a @ b.T, compute_uv=False).sum()


@pytest.mark.parametrize("smallest", [0.3, 1e-3, 1e-6, 1e-9])
def test_small_spreads_keep_their_digits_whichever_way_is_taken(smallest: float) -> None:
    a, b = spectrum(300, 60, smallest, 0), spectrum(280, 60, smallest, 1)
    b[:, 0] += 0.01
    # the quick way is taken only where it is right to 1e-9 of the distance
    assert frechet_distance(a, b) == pytest.approx(by_singular_values(a, b), rel=1e-9)


def test_the_quick_way_is_left_where_it_would_be_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = []
    exact = distance._spread
    monkeypatch.setattr(distance, "_spread", lambda *arguments: taken.append(1) or exact(*arguments))
    frechet_distance(spectrum(300, 60, 0.3, 0), spectrum(300, 60, 0.3, 1))
    assert not taken
    a = spectrum(300, 60, 1e-6, 0)
    nearly = a * (1 + 1e-7)
    assert frechet_distance(a, nearly) == pytest.approx(by_singular_values(a, nearly), rel=1e-2)
    assert taken


def test_a_reference_gives_what_two_sets_give_and_is_factorised_once(monkeypatch: pytest.MonkeyPatch) -> None:
    a, others = features(200, 30, 0), [features(200, 30, seed) for seed in (1, 2, 3)]
    expected = [frechet_distance(a, other) for other in others]
    calls = []
    factorise = distance._cholesky
    monkeypatch.setattr(distance, "_cholesky", lambda covariance: calls.append(1) or factorise(covariance))
    reference = FrechetReference(a)
    assert [reference.distance(other) for other in others] == expected
    assert len(calls) == 1


def test_many_vectors_are_foreseen_from_few() -> None:
    rng = np.random.default_rng(0)
    a = rng.normal(size=(900, 40))
    b = a * 1.1 + rng.normal(size=(900, 40)) * 0.4
    truth = 40 * (1 - np.sqrt(1.1**2 + 0.4**2)) ** 2
    found = frechet_infinity(a, b)
    assert frechet_distance(a, b) > truth
    assert abs(found - truth) < 0.35 * (frechet_distance(a, b) - truth)
    assert frechet_infinity(a, b) == found
    with pytest.raises(ValueError, match="needs paired sets of 80 vectors or more at 40 dimensions, not 79 and 79"):
        frechet_infinity(a[:79], b[:79])


def test_the_extrapolation_is_a_straight_line_in_one_over_n_through_nested_paired_subsets(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen = []

    def curved(a: np.ndarray, b: np.ndarray) -> float:
        assert np.array_equal(b, a + 1)
        seen.append(set(a[:, 0]))
        return 7 + 100 / len(a) + 1000 / len(a) ** 2

    monkeypatch.setattr(distance, "frechet_distance", curved)
    a = np.arange(120.0)[:, None]
    found = frechet_infinity(a, a + 1, sizes=4, draws=3)
    assert [len(subset) for subset in seen] == [*[60] * 3, *[72] * 3, *[90] * 3, 120]
    assert all(seen[i] < seen[i + 3] for i in range(6))
    assert seen[0] != seen[1]
    counts = np.array([60, 72, 90, 120])
    line = np.polyfit(1 / counts, 7 + 100 / counts + 1000 / counts**2, 1)
    assert found == pytest.approx(line[1], rel=1e-9)
    frechet_infinity(a, a + 1, sizes=4, draws=3, seed=1)
    assert seen[10] != seen[0]


@pytest.mark.parametrize(("n", "width"), [(90, 20), (90, 100), (24, 22)])
def test_leaving_owners_out_by_their_sums_is_leaving_their_vectors_out(n: int, width: int) -> None:
    a = features(n, width, 0)
    b = a + features(n, width, 1) / 3
    owners = np.repeat([0, 1, 2], [n // 2, n // 3, n - n // 2 - n // 3])
    expected = [frechet_distance(a[owners != k], b[owners != k]) for k in range(3)]
    assert frechet_without(a, b, owners, 4) == pytest.approx([*expected, frechet_distance(a, b)], rel=1e-8)


def test_leaving_nearly_all_out_leaves_no_distance() -> None:
    a = features(5, 3, 0)
    assert frechet_without(a, a + 1, np.array([0, 0, 0, 0, 1]), 2)[0] is None
    two = frechet_without(a, a * 2, np.array([0, 0, 0, 1, 1]), 2)[0]
    assert two == pytest.approx(frechet_distance(a[3:], a[3:] * 2), rel=1e-9)
