from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from ablate.metrics import PairedFeatures, frechet_distance, frechet_infinity, kernel, kid, kid_paired
from ablate.metrics.distance import frechet_without
from ablate.metrics.kernel import image_sums, kid_without


def k(x: np.ndarray, y: np.ndarray) -> float:
    return float((x @ y / len(x) + 1) ** 3)


def naive_paired(a: np.ndarray, b: np.ndarray, images: np.ndarray) -> float:
    terms = [
        k(a[i], a[j]) + k(b[i], b[j]) - k(a[i], b[j]) - k(b[i], a[j])
        for i, j in itertools.permutations(range(len(a)), 2)
        if images[i] != images[j]
    ]
    return float(np.mean(terms))


@pytest.fixture
def sets() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    a = rng.normal(size=(14, 5))
    return a, a + rng.normal(0.1, 0.5, size=a.shape), np.array([0, 0, 0, 1, 1, 2, 2, 2, 2, 4, 4, 4, 5, 5])


def test_the_unpaired_distance_by_its_definition(sets: tuple[np.ndarray, ...]) -> None:
    a, b = sets[0], sets[1][:9]
    within = [np.mean([k(x, y) for x, y in itertools.permutations(each, 2)]) for each in (a, b)]
    cross = np.mean([k(x, y) for x in a for y in b])
    assert kid(a, b) == pytest.approx(sum(within) - 2 * cross, rel=1e-12)


def test_the_paired_distance_by_its_definition(sets: tuple[np.ndarray, ...]) -> None:
    assert kid_paired(*sets) == pytest.approx(naive_paired(*sets), rel=1e-12)
    alone = np.arange(14)
    assert kid_paired(*sets[:2]) == pytest.approx(naive_paired(*sets[:2], alone), rel=1e-12)
    assert kid_paired(*sets[:2]) != pytest.approx(naive_paired(*sets), rel=1e-3)


def test_large_sets_are_worked_through_in_blocks_that_change_nothing(
    sets: tuple[np.ndarray, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = kid(*sets[:2]), kid_paired(*sets), image_sums(*sets[:2], [3, 2, 4, 0, 3, 2])
    monkeypatch.setattr(kernel, "_ROWS_AT_ONCE", 4)
    assert kid(*sets[:2]) == pytest.approx(whole[0], rel=1e-12)
    assert kid_paired(*sets) == pytest.approx(whole[1], rel=1e-12)
    np.testing.assert_allclose(image_sums(*sets[:2], [3, 2, 4, 0, 3, 2]), whole[2], rtol=1e-9, atol=1e-12)


def test_sums_by_image_give_the_distance_with_and_without_any_image(sets: tuple[np.ndarray, ...]) -> None:
    a, b, images = sets
    counts = np.bincount(images)
    assert counts[3] == 0
    sums = image_sums(a, b, counts)
    assert kid_without(sums, counts) == pytest.approx(kid_paired(a, b, images), rel=1e-12)
    for left_out in ([0], [2, 3], [5]):
        keep = ~np.isin(images, left_out)
        expected = naive_paired(a[keep], b[keep], images[keep])
        assert kid_without(sums, counts, np.array(left_out)) == pytest.approx(expected, rel=1e-12)
    assert kid_without(sums, counts, np.array([0, 1, 2, 4])) is None


def test_a_set_has_no_paired_distance_from_itself(sets: tuple[np.ndarray, ...]) -> None:
    assert kid_paired(sets[0], sets[0], sets[2]) == 0


def test_the_usual_estimate_is_negative_on_reconstructions_and_the_paired_one_is_not() -> None:
    rng = np.random.default_rng(0)
    truth = 3 / 8 * (1.1**2 - 1) ** 2  # of normal vectors E k(x, y) = 1 + 3 s^2 t^2 / d, odd powers vanish
    usual, paired = [], []
    for _ in range(30):
        a = rng.normal(size=(60, 8))
        usual.append(kid(a, a * 1.1))
        paired.append(kid_paired(a, a * 1.1))
    assert np.mean(usual) < 0
    error = np.std(paired, ddof=1) / np.sqrt(30)
    assert abs(np.mean(paired) - truth) < 3 * error
    assert np.std(paired) < np.std(usual)


def test_it_is_unbiased_on_independent_sets() -> None:
    rng = np.random.default_rng(0)
    values = [kid(rng.normal(size=(20, 4)), rng.normal(size=(30, 4))) for _ in range(400)]
    assert abs(np.mean(values)) < 3 * np.std(values) / 20


def test_arrays_and_tensors_are_alike(sets: tuple[np.ndarray, ...]) -> None:
    a, b, images = sets
    tensors = torch.from_numpy(a).requires_grad_(), torch.from_numpy(b)
    assert kid(*tensors) == kid(a, b)
    assert kid_paired(*tensors, torch.from_numpy(images)) == kid_paired(a, b, images)
    assert isinstance(kid(a, b), float)
    assert isinstance(kid_paired(a, b), float)


def test_sets_that_are_no_pairs_are_refused(sets: tuple[np.ndarray, ...]) -> None:
    a, b, images = sets
    with pytest.raises(ValueError, match="14 vectors, features_b 9: paired sets are equally large"):
        kid_paired(a, b[:9])
    with pytest.raises(ValueError, match="one number a patch"):
        kid_paired(a, b, images[:-1])
    with pytest.raises(ValueError, match="patches of two images or more"):
        kid_paired(a, b, np.zeros(14))
    with pytest.raises(ValueError, match="not finite"):
        kid(a, np.full((3, 5), np.inf))


DISTANCES: dict[str, Callable[[Any, Any], object]] = {
    "kid": kid,
    "kid_paired": kid_paired,
    "image_sums": lambda a, b: image_sums(a, b, [1, 2]),
    "frechet_distance": frechet_distance,
    "frechet_infinity": frechet_infinity,
    "frechet_without": lambda a, b: frechet_without(a, b, np.array([0, 1, 1]), 2),
    "PairedFeatures": lambda a, b: PairedFeatures.of(a, b, [1, 2]),
}


@pytest.mark.parametrize("name", DISTANCES)
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_features_that_are_not_finite_are_an_error_everywhere(name: str, value: float) -> None:
    one, opposite = np.eye(3), np.eye(3)
    one[1, 1] = opposite[0, 0] = value
    opposite[1, 0] = -value  # sums to nothing that is infinite
    for broken in (one, opposite):
        for pair in ((np.eye(3), broken), (torch.from_numpy(broken), np.eye(3))):
            with pytest.raises(ValueError, match="not finite"):
                DISTANCES[name](*pair)
