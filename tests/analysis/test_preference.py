from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import optimize, special

from ablate.analysis.preference import Judged, judgements_needed, preferences


def judged(first: str, second: str, won: int, lost: int, tied: int = 0, image: str = "a") -> list[Judged]:
    shares = [1.0] * won + [0.0] * lost + [0.5] * tied
    return [Judged(first, second, share, image) for share in shares]


def score(found: object, arm: str) -> float:
    (value,) = (each.score for each in found if each.arm == arm)  # type: ignore[attr-defined]
    return value


@pytest.mark.parametrize(("won", "lost", "tied"), [(7, 3, 0), (5, 5, 0), (20, 0, 0), (0, 9, 0), (6, 2, 4), (0, 0, 3)])
def test_two_arms_have_the_log_odds_with_half_a_judgement_on_either_side(won: int, lost: int, tied: int) -> None:
    found = preferences(judged("hinge", "lsgan", won, lost, tied), "lsgan")
    for_it, against = won + tied / 2 + 0.5, lost + tied / 2 + 0.5
    assert score(found, "hinge") == pytest.approx(math.log(for_it / against), abs=1e-8)
    # The interval of the profile: here the likelihood of so many judgements itself.
    (own,) = (each for each in found if each.arm == "hinge")

    def fallen(at: float) -> float:
        def likelihood(at: float) -> float:
            return for_it * special.log_expit(at) + against * special.log_expit(-at)

        return 2 * (likelihood(own.score) - likelihood(at)) - special.chdtri(1, 0.05)

    assert own.low == pytest.approx(optimize.brentq(fallen, own.score - 30, own.score), abs=1e-5)
    assert own.high == pytest.approx(optimize.brentq(fallen, own.score, own.score + 30), abs=1e-5)
    assert (own.won, own.tied, own.lost) == (won, tied, lost)


def test_three_arms_climb_the_penalised_likelihood() -> None:
    """Against a general optimiser on the formula as Firth wrote it."""
    data = [*judged("a", "b", 6, 2, 1), *judged("b", "c", 5, 3), *judged("c", "a", 1, 7)]

    def lost(scores: np.ndarray) -> float:
        value = {"a": 0.0, "b": scores[0], "c": scores[1]}
        row = {"a": (0, 0), "b": (1, 0), "c": (0, 1)}
        gaps = np.array([value[each.first] - value[each.second] for each in data])
        design = np.array([np.subtract(row[each.first], row[each.second]) for each in data])
        share, chance = np.array([each.share for each in data]), special.expit(gaps)
        likelihood = (share * np.log(chance) + (1 - share) * np.log1p(-chance)).sum()
        information = design.T * (chance * (1 - chance)) @ design
        return -float(likelihood + np.linalg.slogdet(information)[1] / 2)

    best = optimize.minimize(lost, np.zeros(2), method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-12})
    found = preferences(data, "a")
    assert [score(found, "b"), score(found, "c")] == pytest.approx(list(best.x), abs=1e-5)
    assert [each.arm for each in found] == ["a", "b", "c"]


def test_the_reference_moves_all_scores_alike_and_the_order_of_a_pair_nothing() -> None:
    data = [*judged("a", "b", 6, 2), *judged("b", "c", 5, 3, 2), *judged("c", "a", 1, 7)]
    turned = [Judged(each.second, each.first, 1 - each.share, each.image) for each in data]
    from_a, from_c, back = preferences(data, "a"), preferences(data, "c"), preferences(turned, "a")
    for arm in "abc":
        assert score(from_a, arm) - score(from_a, "c") == pytest.approx(score(from_c, arm), abs=1e-8)
        assert score(from_a, arm) == pytest.approx(score(back, arm), abs=1e-8)


def test_an_arm_that_never_wins_has_a_finite_score_and_a_wide_interval_however_many_images() -> None:
    data = [
        each
        for image in range(12)
        for each in (*judged("bad", "good", 0, 2, image=str(image)), *judged("fair", "good", 1, 1, image=str(image)))
    ]
    found = {each.arm: each for each in preferences(data, "good")}
    bad = found["bad"]
    assert bad.one_sided
    assert not found["fair"].one_sided
    assert -math.inf < bad.low < bad.score < bad.high < 0
    assert bad.high - bad.low > 2 * (found["fair"].high - found["fair"].low)


def test_arms_that_nothing_joins_to_the_reference_have_no_score() -> None:
    found = preferences([*judged("a", "b", 3, 1), *judged("x", "y", 2, 2)], "a")
    assert [each.arm for each in found if each.score is None] == ["x", "y"]
    assert score(found, "b") < 0
    assert [each.arm for each in preferences(judged("x", "y", 1, 1), "a")] == ["a", "x", "y"]


def test_images_that_disagree_widen_the_interval() -> None:
    """The same counts, once alike on every image, once all on one side or all on the other."""
    alike = [each for image in range(8) for each in judged("a", "b", 3, 3, image=str(image))]
    apart = [each for image in range(8) for each in judged("a", "b", *((6, 0), (0, 6))[image % 2], image=str(image))]
    widths = []
    for data in (alike, apart):
        (own,) = (each for each in preferences(data, "b") if each.arm == "a")
        assert own.score == pytest.approx(0)
        widths.append(own.high - own.low)
    assert widths[1] > 2 * widths[0]


def test_intervals_over_images_hold_the_truth_as_often_as_they_say() -> None:
    """Preferences that scatter over images by 0.8 in log-odds; 12 images, three arms, 6 judgements of each pair."""
    random, held, ignored = np.random.default_rng(3), 0, 0
    for _ in range(100):
        data = []
        for image in range(12):
            scores = dict(zip("abc", np.array([0, 0.5, 1]) + random.normal(0, 0.8 / 2**0.5, 3), strict=True))
            for first, second in ("ab", "bc", "ca"):
                chance = special.expit(scores[first] - scores[second])
                data += [Judged(first, second, float(random.random() < chance), str(image)) for _ in range(6)]
        # What the marginal odds are: the logistic curve is flatter once averaged over images.
        (own,) = (each for each in preferences(data, "a") if each.arm == "c")
        (blind,) = (
            each
            for each in preferences([Judged(d.first, d.second, d.share, "one") for d in data], "a")
            if each.arm == "c"
        )
        truth = 1 / math.sqrt(1 + 0.8**2 / 1.7**2)
        held += own.low <= truth <= own.high
        ignored += blind.low <= truth <= blind.high
    assert held / 100 > 0.9
    assert ignored / 100 < 0.9


def test_the_judgements_that_a_preference_takes_find_it_as_often_as_they_say() -> None:
    assert [judgements_needed(share) for share in (0.75, 0.6)] == [29, 194]
    random = np.random.default_rng(0)
    for share in (0.6, 0.75):
        count = judgements_needed(share)
        wins = random.binomial(count, share, 4000)
        shown = np.abs(wins - count / 2) > special.ndtri(0.975) * math.sqrt(count) / 2
        assert 0.74 < shown.mean() < 0.86
    with pytest.raises(ValueError, match=r"between 0\.5 and 1"):
        judgements_needed(0.5)
