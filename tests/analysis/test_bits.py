from __future__ import annotations

import math

import pytest

from ablate.analysis import contrasts, curve_axis, curve_effect, t_interval
from ablate.analysis.bits import Bits, bits, logarithm_of, tolerance
from ablate.analysis.contrasts import Doubt
from ablate.analysis.effects import effects, score_of
from ablate.analysis.rate_curves import vertices
from tests.analysis.studies import cell, study

EVEN, MORE, FEWER, UNSURE = ([0.001, -0.001, 0.0, 0.002, -0.002, 0.0], [0.05] * 6, [-0.05] * 6, [-0.05, 0.05] * 3)
LAMBDAS = [1.0, 2.0, 4.0, 8.0]


@pytest.mark.parametrize(
    ("shares", "better", "worse", "equivalent"),
    [
        (EVEN, True, True, True), (MORE, False, True, False), (FEWER, True, False, False),
        (UNSURE, False, False, False), ([0.0], False, False, False),
    ],
)  # fmt: skip
def test_only_bits_that_cannot_have_made_the_difference_allow_a_verdict(
    shares: list[float], better: bool, worse: bool, equivalent: bool
) -> None:
    own = Bits(0.01, t_interval(shares))
    assert (own.allow("better"), own.allow("worse"), own.allow("equivalent")) == (better, worse, equivalent)


def test_unknown_bits_allow_nothing_and_no_match_allows_everything() -> None:
    assert not Bits(0.01, None).allow("better")
    assert Bits(None, None).allow("better")


def test_the_bits_of_a_figure_are_those_of_the_files_of_its_own_images() -> None:
    cells = [
        cell({"loss": loss, "lambda": value}, seed, 20 + value, bpp_actual=value / 10,
             **{"psnr@kodak": 20 + value, "bpp_actual@kodak": (2 if loss == "b" else 1) * value / 10})
        for loss in "ab" for value in LAMBDAS for seed in (0, 1)
    ]  # fmt: skip
    own = study(cells, {"loss": ["a", "b"], "lambda": LAMBDAS}, {"loss": "a"}, rate_match="within:5%")
    found = contrasts(own, {"psnr": "higher", "psnr@kodak": "higher"})
    shares = {name: found[name][0].bits.share.mean for name in found}
    assert shares == pytest.approx({"psnr": 0.0, "psnr@kodak": 1.0})
    assert curve_effect(own, "psnr", "loss", "b", "rate").effect.interval.mean == pytest.approx(0.0)
    assert curve_effect(own, "psnr@kodak", "loss", "b", "rate").effect.interval.mean == pytest.approx(1.0)
    axis = next(axis for axis in own.axes if axis.name == "lambda")
    assert [at.rate for at in vertices(own, axis, "psnr@kodak", ("b",))] == pytest.approx([0.2, 0.4, 0.8, 1.6])


def test_the_share_is_of_the_baselines_bits() -> None:
    rates = {"a": 0.5, "b": 0.51}
    cells = [cell({"loss": loss}, seed, 20.0, bpp_actual=rate) for loss, rate in rates.items() for seed in (0, 1)]
    (rate,) = effects(study(cells, {"loss": ["a", "b"]}), "bpp_actual", logarithm_of(score_of("bpp_actual")))
    assert bits(rate, 0.01, 0.05).share.mean == pytest.approx(0.02)


def test_bits_that_are_many_at_few_do_not_match_for_being_few_at_many() -> None:
    """One curve of quality over bits; level b lies further on where bits are few, and spends the same bits in all."""
    spends = {("a", 1.0): 0.1, ("b", 1.0): 0.125, ("a", 10.0): 1.0, ("b", 10.0): 0.975}
    noise = [0.001, -0.001, 0.0, 0.002, -0.002, 0.0, 0.001, -0.001]
    cells = [
        cell({"loss": loss, "rate": at}, seed, 30 + 3 * math.log2(value * (1 + noise[seed])), bpp_actual=value)
        for (loss, at), value in spends.items() for seed in range(8)
    ]  # fmt: skip
    own = study(cells, {"loss": ["a", "b"], "rate": [1.0, 10.0]}, {"loss": "a", "rate": 1.0}, rate_match="within:1%")
    found = next(each for each in contrasts(own, {"psnr": "higher"})["psnr"] if each.effect.axis == "loss")
    assert found.effect.interval.low > 0.3
    assert found.bits.share.mean == pytest.approx((1.25 * 0.975) ** 0.5 - 1)
    assert (found.verdict, found.reason) == ("inconclusive", Doubt.bits)


@pytest.mark.parametrize(("match", "share"), [("within:1%", 0.01), ("within:0.5%", 0.005), ("off", None), ("bd", None)])
def test_the_tolerance_is_read_from_the_grid_file(match: str, share: float | None) -> None:
    assert tolerance(match) == pytest.approx(share)


def curves(lift: float, more: float) -> list:
    """Returns cells whose PSNR is 30 + 3 log2(bits); b is `lift` dB higher at equal bits, spending `more` times."""
    cells = []
    for seed in range(6):
        for index, lambda_x in enumerate(LAMBDAS):
            rates = {"a": 0.1 * 2**index, "b": 0.1 * 2**index * more}
            for loss, rate in rates.items():
                gain = lift + 0.01 * (seed - 2.5) if loss == "b" else 0.0
                psnr = 30 + 3 * math.log2(rate) + gain
                cells.append(cell({"loss": loss, "lambda_x": lambda_x}, seed, psnr, bpp_actual=rate))
    return cells


AXES = {"loss": ["a", "b"], "lambda_x": LAMBDAS}


def test_at_equal_bits_a_level_that_only_spends_more_is_no_better() -> None:
    subject = study(curves(lift=0.0, more=1.2), AXES, margin={"psnr": 0.1}, rate_match="bd", axes=["loss"])
    own = contrasts(subject, {"psnr": "higher"})["psnr"][0]
    unmatched = study(curves(lift=0.0, more=1.2), AXES, margin={"psnr": 0.1}, axes=["loss"])
    plain = contrasts(unmatched, {"psnr": "higher"})["psnr"][0]
    assert (own.verdict, plain.verdict) == ("equivalent", "better")
    assert own.effect.interval.mean == pytest.approx(0.0, abs=1e-9)


def test_a_bjontegaard_difference_is_paired_by_seed_and_says_along_what() -> None:
    found = curve_effect(study(curves(lift=0.4, more=1.1), AXES), "psnr", "loss", "b")
    assert (found.effect.axis, found.effect.level, found.effect.baseline, found.along) == ("loss", "b", "a", "lambda_x")
    assert found.effect.differences == pytest.approx([0.4 + 0.01 * (seed - 2.5) for seed in range(6)])
    assert found.disagreement == pytest.approx(0.0, abs=1e-9)
    assert 0.5 < found.overlap < 1


def test_the_rate_of_a_level_that_is_higher_by_a_slope_is_fewer_bits() -> None:
    # 3 dB a doubling: 0.3 dB are worth a factor of 2^0.1.
    found = curve_effect(study(curves(lift=0.3, more=1.0), AXES), "psnr", "loss", "b", "rate")
    assert found.effect.interval.mean == pytest.approx(2**-0.1 - 1, rel=1e-2)


def test_at_equal_bits_an_axis_without_a_curve_has_no_verdict() -> None:
    subject = study(curves(lift=0.4, more=1.0), AXES, margin={"psnr": 0.1}, rate_match="bd")
    found = {each.effect.key: each for each in contrasts(subject, {"psnr": "higher"})["psnr"]}
    assert found["lambda_x", "8"].reason == "curves"
    assert found["lambda_x", "8"].verdict == "inconclusive"


def test_a_curve_with_a_missing_point_is_refused_and_says_why() -> None:
    cells = [each for each in curves(lift=0.4, more=1.0) if each.axes != {"loss": "b", "lambda_x": 8.0}]
    own = contrasts(study(cells, AXES, rate_match="bd", axes=["loss"]), {"psnr": "higher"})["psnr"][0]
    assert own.reason == "curves"
    assert own.curve.refused == ("a curve needs 4 points, found 3",)


def test_a_point_without_bits_is_a_missing_point() -> None:
    cells = curves(lift=0.4, more=1.0)
    for each in cells:
        if each.axes == {"loss": "b", "lambda_x": 8.0}:
            del each.result.metrics["ema"]["bpp_actual"]
    found = curve_effect(study(cells, AXES), "psnr", "loss", "b")
    assert (found.effect.interval, found.refused) == (None, ("a curve needs 4 points, found 3",))


def test_at_equal_bits_the_weights_that_are_asked_for_are_compared() -> None:
    cells = curves(lift=0.4, more=1.0)
    for each in cells:
        if each.axes["loss"] == "b":
            each.result.metrics["raw"]["psnr"] -= 0.8
    subject = study(cells, AXES, margin={"psnr": 0.1}, rate_match="bd", axes=["loss"])
    averaged, raw = (contrasts(subject, {"psnr": "higher"}, weights=each)["psnr"][0] for each in ("ema", "raw"))
    assert (averaged.verdict, raw.verdict) == ("better", "worse")
    assert averaged.effect.interval.mean - raw.effect.interval.mean == pytest.approx(0.8)


def test_a_curve_is_drawn_by_the_axis_of_numbers_that_moves_bits() -> None:
    subject = study(curves(lift=0.0, more=1.0), AXES)
    assert curve_axis(subject) == "lambda_x"
    assert curve_axis(subject, but="lambda_x") is None
    scales = tuple(range(1, len(LAMBDAS) + 2))
    cells = [
        cell({**each.axes, "scales": scale}, each.seed, each.score("psnr"), bpp_actual=each.score("bpp_actual"))
        for each in curves(lift=0.4, more=1.0)
        for scale in scales
    ]
    subject = study(cells, {**AXES, "scales": scales}, margin={"psnr": 0.1}, rate_match="bd", axes=["loss"])
    assert curve_axis(subject) == "lambda_x", "the longer axis moves no bits"
    (claim,) = [each for each in contrasts(subject, {"psnr": "higher"})["psnr"] if each.declared]
    assert (claim.verdict, claim.curve.along) == ("better", "lambda_x")
