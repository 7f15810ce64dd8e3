"""Whether the order of arms at defaults survives tuning."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ablate.analysis.contrasts import Doubt, contrasts
from ablate.analysis.study import Arm, judged
from ablate.analysis.tuned import TunedPair, orders, ranked
from tests.analysis.studies import cell, study

NOISE = (0.01, -0.01, 0.02, -0.02, 0.0)


def arm(name: str, mean: float, noise: tuple[float, ...] = NOISE) -> Arm:
    return Arm(name, {}, tuple(cell({}, seed, mean + each, arm=name) for seed, each in enumerate(noise)))


def pair(name: str, untuned: float, tuned: float | None, noise: tuple[float, ...] = NOISE) -> TunedPair:
    return TunedPair(name, arm(name, untuned, noise), None if tuned is None else arm(f"{name} tuned", tuned, noise))


OTHER = (-0.02, 0.02, 0.01, 0.0, -0.01)


@pytest.mark.parametrize(
    ("before", "after", "fate"),
    [(1.0, 1.0, "kept"), (1.0, -1.0, "reversed"), (1.0, 0.0, "lost"), (0.0, 1.0, "found"), (0.0, 0.0, "open")],
)
def test_an_order_survives_where_intervals_say_the_same_before_and_after(before: float, after: float, fate: str):
    (order,) = orders([pair("a", before, after), pair("b", 0.0, 0.0, OTHER)], "psnr")
    assert order.fate == fate
    assert (order.first, order.second) == ("a", "b")
    assert order.untuned.mean == pytest.approx(before)


def test_an_arm_without_a_winner_is_compared_with_none_tuned():
    assert orders([pair("a", 1.0, None), pair("b", 0.0, 0.0)], "psnr") == ()


def test_arms_are_ranked_by_their_means_in_the_direction_of_the_metric():
    arms = [pair("a", 1.0, 2.0), pair("b", 3.0, 1.0), pair("c", 2.0, None)]
    assert ranked(arms, "psnr", "higher", tuned=False) == ("b", "c", "a")
    assert ranked(arms, "psnr", "lower", tuned=False) == ("a", "c", "b")
    assert ranked(arms, "psnr", "higher", tuned=True) == ("a", "b")


def test_the_gain_of_tuning_is_paired_by_seed():
    gain = pair("a", 1.0, 1.5).gain("psnr")
    assert gain is not None
    assert (gain.mean, gain.standard_deviation) == (pytest.approx(0.5), pytest.approx(0, abs=1e-9))


def test_claims_are_of_tuned_arms_once_there_are_some_and_never_of_trials():
    design, trial, final = (
        replace(cell({"loss.adversarial": "hinge"}, 0, 1.0), part=part) for part in ("design", "trial", "final")
    )
    assert judged([design, trial]) == (design,)
    beside, point = judged([design, trial, final])
    assert point == final
    assert beside.axes == {"loss.adversarial": "hinge", "tune": "untuned"}
    assert beside.arm.endswith(" untuned")


def test_an_arm_that_was_tuned_to_its_own_values_stays_a_point_of_the_axes():
    design, other, final = (
        replace(cell({"loss.adversarial": loss}, 0, 1.0), part=part)
        for loss, part in (("hinge", "design"), ("lsgan", "design"), ("lsgan", "final"))
    )
    own, beside, point = judged([design, other, final], {design.arm})
    assert (own, point) == (design, final)
    assert beside.axes == {"loss.adversarial": "lsgan", "tune": "untuned"}


def test_a_baseline_without_a_winner_stays_the_baseline_and_nothing_is_claimed_against_another():
    losses = ("vanilla", "lsgan", "hinge")
    design = [
        replace(cell({"loss.adversarial": loss}, seed, 1.0 + seed), part="design") for loss in losses for seed in (0, 1)
    ]
    finals = [
        replace(cell({"loss.adversarial": loss}, seed, 2.0 + seed, arm=f"{loss} tuned"), part="final")
        for loss in losses[:2]
        for seed in (0, 1)
    ]
    made = study(judged([*design, *finals]), {"loss.adversarial": losses}, {"loss.adversarial": "hinge"})
    (axis,) = made.axes
    assert (axis.levels, axis.baseline) == (losses, "hinge")
    assert made.baseline is None
    found = [each for each in contrasts(made, {"psnr": "higher"})["psnr"] if each.effect.axis == axis.name]
    assert [(each.effect.level, each.effect.baseline, each.reason) for each in found] == [
        ("vanilla", "hinge", Doubt.pairs),
        ("lsgan", "hinge", Doubt.pairs),
    ]
