from __future__ import annotations

import bjontegaard
import numpy as np
import pytest

from ablate.analysis.bjontegaard import INTERPOLATIONS, Curve, bd_quality, bd_rate

OTHER = [(0.1, 28.0), (0.2, 30.5), (0.4, 33.0), (0.8, 35.4), (1.2, 36.6)]
OWN = [(0.12, 28.6), (0.22, 31.3), (0.37, 33.2), (0.7, 35.9), (1.1, 37.2)]


def columns(points: list[tuple[float, float]]) -> list[list[float]]:
    return [list(column) for column in zip(*points, strict=True)]


@pytest.mark.parametrize("shift", [0.0, 1.7])
def test_differences_agree_with_another_implementation(shift: float) -> None:
    own = [(rate, value + shift) for rate, value in OWN]
    quality, rate = bd_quality(Curve.of(own), Curve.of(OTHER)), bd_rate(Curve.of(own), Curve.of(OTHER))
    theirs = [
        (
            bjontegaard.bd_psnr(*columns(OTHER), *columns(own), method=way, min_overlap=0),
            bjontegaard.bd_rate(*columns(OTHER), *columns(own), method=way, min_overlap=0) / 100,
        )
        for way in INTERPOLATIONS
    ]
    assert (quality.value, rate.value) == pytest.approx(theirs[0])
    assert quality.disagreement == pytest.approx(abs(theirs[1][0] - theirs[0][0]))
    assert rate.disagreement == pytest.approx(abs(theirs[1][1] - theirs[0][1]))


def test_a_curve_that_is_half_a_decibel_higher_everywhere_is_half_a_decibel_higher() -> None:
    found = bd_quality(Curve.of([(rate, value + 0.5) for rate, value in OTHER]), Curve.of(OTHER))
    assert (found.value, found.disagreement, found.overlap) == pytest.approx((0.5, 0.0, 1.0))


def test_a_curve_of_a_tenth_fewer_bits_everywhere_has_a_tenth_fewer() -> None:
    found = bd_rate(Curve.of([(0.9 * rate, value) for rate, value in OTHER]), Curve.of(OTHER))
    assert (found.value, found.disagreement) == pytest.approx((-0.1, 0.0))


def test_the_unit_of_quality_is_no_matter_for_the_bits() -> None:
    curves = [Curve.of([(rate, scale * value) for rate, value in OWN]) for scale in (1.0, 0.01, -0.01)]
    others = [Curve.of([(rate, scale * value) for rate, value in OTHER]) for scale in (1.0, 0.01, -0.01)]
    plain, small, falling = (bd_rate(own, other).value for own, other in zip(curves, others, strict=True))
    assert (small, falling) == pytest.approx((plain, plain))


def test_a_quality_of_which_less_is_better_has_a_difference_too() -> None:
    falling = [(rate, 100 - value) for rate, value in OTHER]
    assert bd_rate(Curve.of(falling), Curve.of(falling)).value == pytest.approx(0.0)
    assert bd_quality(Curve.of(falling), Curve.of([(r, v + 2) for r, v in falling])).value == pytest.approx(-2.0)


def test_a_kink_makes_the_interpolations_disagree() -> None:
    kinked = [(0.1, 20.0), (0.2, 20.1), (0.4, 30.0), (0.8, 30.1), (1.2, 36.0)]
    smooth = bd_quality(Curve.of(OWN), Curve.of(OTHER))
    assert bd_quality(Curve.of(kinked), Curve.of(OTHER)).disagreement > 10 * smooth.disagreement


@pytest.mark.parametrize(
    ("points", "said"),
    [
        (OWN[:3], "a curve needs 4 points, found 3"),
        ([(0.0, 1.0), *OWN], "bits per pixel must be positive, found 0"),
        ([*OWN, (0.7, 30.0)], "same bits"),
    ],
)
def test_what_is_no_curve_is_refused(points: list[tuple[float, float]], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Curve.of(points)


def test_curves_that_hardly_overlap_are_not_compared() -> None:
    far = Curve.of([(rate * 8, value) for rate, value in OTHER])
    with pytest.raises(ValueError, match="share 9% of their range of bits, 50% is the least"):
        bd_quality(far, Curve.of(OTHER))


def test_bits_are_no_function_of_a_quality_that_rises_and_falls() -> None:
    bent = Curve.of([(rate, float(value)) for (rate, _), value in zip(OTHER, [28, 31, 30, 33, 34], strict=True)])
    shallow = Curve.of([(rate, value / 100) for rate, value in zip(bent.rates, bent.values, strict=True)])
    for curve in (bent, shallow):
        with pytest.raises(ValueError, match="does not change strictly"):
            bd_rate(curve, Curve.of(OTHER))
    assert np.isfinite(bd_quality(bent, Curve.of(OTHER)).value)
