from __future__ import annotations

import numpy as np
import pytest

from ablate.analysis import front_chances, frontier
from ablate.analysis.hypervolume import hypervolume


def test_a_staircase_covers_its_area() -> None:
    # Three steps: 1 x 3, then 1 x 2, then 1 x 1.
    assert hypervolume([(1.0, 3.0), (2.0, 2.0), (3.0, 1.0)], (0.0, 0.0)) == 6.0


def test_points_that_are_beaten_or_beyond_the_reference_add_nothing() -> None:
    front = [(1.0, 3.0), (3.0, 1.0)]
    assert hypervolume([*front, (0.5, 0.5), (-1.0, 9.0), (1.0, 1.0)], (0.0, 0.0)) == hypervolume(front, (0.0, 0.0))
    assert hypervolume([], (0.0, 0.0)) == 0.0


def test_the_area_is_what_random_darts_hit() -> None:
    points = np.random.default_rng(3).uniform(size=(7, 2))
    darts = np.random.default_rng(4).uniform(size=(200_000, 2))
    hit = (darts[:, None, :] <= points[None]).all(-1).any(-1).mean()
    area = hypervolume([(float(x), float(y)) for x, y in points], (0.0, 0.0))
    assert area == pytest.approx(hit, abs=4 * 0.5 / 200_000**0.5)


def test_an_arm_that_is_always_ahead_is_surely_on_the_front_and_one_always_behind_never() -> None:
    gains = {"ahead": {0: (2.0, 2.0), 1: (2.1, 2.1)}, "behind": {0: (1.0, 1.0), 1: (1.1, 1.1)}}
    ahead, behind = front_chances(gains)
    assert (ahead.seeds_on_front, ahead.seeds, ahead.resampled) == (2, 2, 1.0)
    assert (behind.seeds_on_front, behind.resampled) == (0, 0.0)


def test_an_arm_that_leads_in_half_of_the_resamples_has_that_chance() -> None:
    # With two seeds the resamples are aa, ab, ba, bb: "steady" is beaten where only the lucky seed is drawn, 1 in 4.
    gains = {"steady": {0: (1.0, 1.0), 1: (1.0, 1.0)}, "lucky": {0: (3.0, 3.0), 1: (-3.0, -3.0)}}
    steady, lucky = front_chances(gains, draws=4000)
    assert steady.resampled == pytest.approx(0.75, abs=0.03)
    assert lucky.resampled == pytest.approx(0.25, abs=0.03)


def test_one_seed_gives_no_chance_but_the_front_itself() -> None:
    points = {"a": (1.0, 3.0), "b": (2.0, 2.0), "c": (1.0, 2.0), "twin of b": (2.0, 2.0)}
    points |= {"left of b": (1.9, 2.0), "below b": (2.0, 1.9)}
    found = front_chances({name: {0: point} for name, point in points.items()})
    assert all(each.resampled is None for each in found)
    assert tuple(each.arm for each in found if each.seeds_on_front) == frontier(points, ["higher", "higher"])


def test_an_arm_without_a_seed_is_judged_by_those_it_has() -> None:
    gains = {"whole": {0: (1.0, 1.0), 1: (1.0, 1.0)}, "half": {0: (2.0, 2.0)}}
    whole, half = front_chances(gains, draws=4000)
    assert (half.seeds_on_front, half.seeds) == (1, 1)
    # Where only the seed is drawn that "half" lacks, it is not there to win.
    assert half.resampled == pytest.approx(0.75, abs=0.03)
    assert whole.resampled == pytest.approx(0.25, abs=0.03)
