from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import pytest

from ablate.analysis import Contrast, contrasts
from ablate.analysis.effect_size import detectable, seeds_to_resolve
from ablate.report.claims import why_not
from tests.analysis.studies import cell, study

LOSSES = {"loss": ["a", "b", "c"]}


def compared(
    gains: dict[str, float], seeds: int = 8, rates: Mapping[str, float] = {}, primary: bool = True, **compare: Any
) -> dict[str, Contrast]:
    """Returns the contrasts of losses that are `gains` dB above loss a, give or take 0.02 dB by seed."""
    cells = [
        cell(
            {"loss": loss}, seed, 20.0 + seed + gain + 0.02 * (seed % 3 - 1) * "abc".index(loss),
            bpp_actual=rates.get(loss, 0.5),
        )
        for loss, gain in {"a": 0.0, **gains}.items()
        for seed in range(seeds)
    ]  # fmt: skip
    subject = study(cells, LOSSES, **{"margin": {"psnr": 0.1}, "rate_match": "within:1%", **compare})
    found = contrasts(subject, {"psnr": "higher"}, primary=["psnr"] if primary else [])
    return {each.effect.level: each for each in found["psnr"]}


def test_each_level_has_a_verdict_against_the_baseline() -> None:
    found = compared({"b": 0.5, "c": -0.5})
    assert (found["b"].verdict, found["c"].verdict) == ("better", "worse")
    assert compared({"b": 0.0, "c": 0.0})["b"].verdict == "equivalent"


def test_declared_comparisons_are_corrected_for_each_other_by_holm() -> None:
    found = compared({"b": 0.5, "c": -0.5})["b"]
    assert (found.declared, found.correction, found.family) == (True, "holm", 2)
    assert (found.judgement.p, found.adjusted_p) == (2**-7, 2**-6)


def test_metrics_that_are_not_primary_are_explored_and_corrected_for_false_discoveries() -> None:
    found = compared({"b": 0.5, "c": -0.5}, primary=False)["b"]
    assert (found.declared, found.correction, found.adjusted_p) == (False, "benjamini-hochberg", 2**-7)


def test_a_level_that_never_finished_still_counts_in_the_family() -> None:
    found = compared({"b": 0.5})
    cells = [cell({"loss": loss}, seed, 20.0 + seed + 0.5 * (loss == "b")) for loss in "ab" for seed in range(6)]
    cells += [cell({"loss": "c"}, seed, None) for seed in range(6)]
    found = {each.effect.level: each for each in contrasts(study(cells, LOSSES), {"psnr": "higher"})["psnr"]}
    assert (found["c"].reason, found["c"].judgement) == ("pairs", None)
    assert (found["b"].family, found["b"].reason, found["b"].seeds_needed) == (2, "family", 7)


@pytest.mark.parametrize(("seeds", "reason", "needed"), [(3, "seeds", 7), (6, "family", 7), (7, "", 7)])
def test_too_few_seeds_are_the_reason_and_what_is_needed_is_told(seeds: int, reason: str, needed: int) -> None:
    found = compared({"b": 0.5, "c": -0.5}, seeds=seeds)["b"]
    assert (found.reason, found.seeds_needed, found.verdict == "better") == (reason, needed, not reason)


def test_an_arm_of_fewer_seeds_is_judged_at_its_own_step_of_the_correction() -> None:
    lost = [cell({"loss": "c"}, seed, None) for seed in (6, 7)]
    kept = [
        cell({"loss": loss}, seed, 20.0 + seed + gain)
        for loss, gain, seeds in (("a", 0.0, 8), ("b", 0.5, 8), ("c", 0.5, 6))
        for seed in range(seeds)
    ]
    subject = study([*kept, *lost], LOSSES, margin={"psnr": 0.1})
    found = {each.effect.level: each for each in contrasts(subject, {"psnr": "higher"})["psnr"]}
    assert found["c"].judgement.claim_p == 2**-5 > 0.05 / 2
    assert (found["c"].adjusted_claim_p, found["c"].verdict, found["c"].reason) == (2**-5, "better", "")


def test_arms_that_were_not_measured_alike_have_no_verdict() -> None:
    axes = {"patch": [32, 64], "loss": ["a", "b"]}
    cells = []
    for seed, patch, loss in itertools.product(range(8), *axes.values()):
        value = 20.0 + seed + patch + (loss == "b")
        cells.append(cell({"patch": patch, "loss": loss}, seed, 20.0 + (loss == "b"), fd_lite0_112=value))
        cells[-1].result.protocol.update({"fd_lite0_112": {"patch": patch}, "psnr": {"pictures": "same"}})
    subject = study(cells, axes, margin={"psnr": 0.1}, rate_match="off")
    found = contrasts(subject, {"fd_lite0_112": "lower", "psnr": "higher"})
    distance, quality = ({each.effect.axis: each for each in compared} for compared in found.values())
    assert (distance["patch"].verdict, distance["patch"].reason) == ("inconclusive", "protocol")
    assert distance["patch"].other_protocol == "patch: 64 and 32"
    assert distance["loss"].verdict == "worse"
    assert quality["loss"].verdict == "better"


def test_without_a_correction_each_comparison_stands_alone() -> None:
    found = compared({"b": 0.5, "c": -0.5}, seeds=6, correction="none")["b"]
    assert (found.correction, found.adjusted_p, found.verdict) == ("none", 2**-5, "better")


def test_axes_that_are_not_claimed_are_explored() -> None:
    assert not compared({"b": 0.5, "c": 0.0}, axes=["scales"])["b"].declared
    assert compared({"b": 0.5, "c": 0.0}, axes=["loss"])["b"].declared


def test_more_bits_withhold_the_better_and_not_the_worse() -> None:
    found = compared({"b": 0.5, "c": -0.5}, rates={"b": 0.55, "c": 0.55})
    assert (found["b"].verdict, found["b"].reason) == ("inconclusive", "bits")
    assert found["c"].verdict == "worse"
    assert compared({"b": 0.5, "c": 0.0}, rates={"b": 0.55}, rate_match="off")["b"].verdict == "better"


def test_a_difference_at_the_margin_is_never_resolved() -> None:
    found = compared({"b": 0.1, "c": 0.0}, seeds=9)["b"]
    assert (found.verdict, found.reason, found.seeds_resolving) == ("inconclusive", "spread", None)
    # 0.05 over the two comparisons that Holm counts.
    assert found.detectable == detectable(9, found.effect.interval.standard_deviation, 0.025)
    assert found.detectable > detectable(9, found.effect.interval.standard_deviation, 0.05)


def test_a_difference_near_the_margin_says_how_many_seeds_would_tell() -> None:
    found = compared({"b": 0.105, "c": 0.0})["b"]
    assert (found.verdict, found.reason) == ("inconclusive", "spread")
    deviation = found.effect.interval.standard_deviation
    # 0.05 over the two comparisons that Holm counts.
    gap = abs(found.effect.interval.mean - 0.1)
    assert found.seeds_resolving == seeds_to_resolve(deviation, gap, 0.025)
    assert 8 < found.seeds_resolving < 1000


def test_no_number_of_seeds_below_those_that_can_prove_anything_would_tell() -> None:
    found = compared({"b": 0.04, "c": 0.0}, seeds=4)["b"]
    assert found.seeds_resolving is None or found.seeds_resolving >= found.seeds_needed
    assert found.detectable is None, "no verdict can follow"


def test_a_margin_in_percent_is_a_share_of_the_baseline() -> None:
    assert compared({"b": 0.5, "c": 0.0}, margin={"psnr": "1%"})["b"].margin == pytest.approx(0.235)


@pytest.mark.parametrize(("correction", "family"), [("holm", 2), ("holm-all", 4)])
def test_a_family_is_a_metric_or_all_that_is_declared(correction: str, family: int) -> None:
    cells = [cell({"loss": loss}, seed, 20.0 + seed, second=1.0 + seed) for loss in LOSSES["loss"] for seed in range(6)]
    found = contrasts(study(cells, LOSSES, correction=correction), {"psnr": "higher", "second": "lower"})
    assert {each.family for compared in found.values() for each in compared} == {family}


def test_a_metric_that_looks_through_what_cells_were_trained_against_gives_no_verdict() -> None:
    cells = [
        cell({"loss": loss}, seed, 20.0 + seed + 0.5 * (loss == "b"), fd_lite0_112=100.0 + seed - 50 * (loss == "b"))
        for loss in "ab"
        for seed in range(8)
    ]
    for each in cells:
        each.result.protocol.update({"fd_lite0_112": {"trained_against": each.axes["loss"] == "b"}})
    subject = study(cells, {"loss": ["a", "b"]}, rate_match="off")
    found = contrasts(subject, {"psnr": "higher", "fd_lite0_112": "lower"})
    (distance,), (psnr,) = found["fd_lite0_112"], found["psnr"]
    assert (distance.verdict, distance.reason, distance.taught) == ("inconclusive", "taught", "b")
    assert distance.judgement.outcome == psnr.verdict == "better"
    assert why_not(distance) == "no verdict: b trained against the network that measures it"
