from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from unittest import mock

import pytest

from ablate.analysis import read_study
from ablate.analysis.contrasts import Doubt
from ablate.report.claims import why_not
from ablate.report.document import Items, Table, Text
from ablate.report.evidence import Evidence
from ablate.report.numbers import interval, probability
from ablate.report.sections.axis_effects import axis_effects
from ablate.report.sections.forest import _row
from ablate.report.sections.verdict import verdict
from ablate.report.sections.verdicts import verdicts
from tests.fabricated_store import Fabrication, fabricate

LOUD = {"loss.lambda_x": [12.0, 96.0]}
"""In the made-up world quality rises by 0.7 dB as lambda_x doubles, and a seed moves it by 0.08 dB."""


def sentences(root: Path, what: Fabrication) -> list[str]:
    store = fabricate(root, what)
    return list(verdict(Evidence(read_study(store), store)).numbers["sentences"])


def loud(seeds: int, **compare: object) -> Fabrication:
    rates = {"rate_match": "off", "primary": ["psnr"]}
    return Fabrication(axes=LOUD, seeds=range(seeds), compare={**rates, **compare}, recon=False)


def test_the_first_sentence_says_what_was_learned_and_the_next_with_what_certainty(tmp_path: Path) -> None:
    first, line, *_ = sentences(tmp_path, loud(6, margin={"psnr": 0.1}))
    assert re.fullmatch(r"In PSNR, lambda_x 96 is better than 12 by 2\.1\d dB\.", first)
    assert "] (margin 0.10, p = 0.031, 6 of 6 seeds): better" in line


def test_levels_that_no_test_tells_apart_are_named_together(tmp_path: Path) -> None:
    axes = {"loss.lambda_x": [12.0, 12.02, 11.98, 96.0]}
    compare = {"rate_match": "off", "primary": ["psnr"]}
    first = sentences(tmp_path, Fabrication(axes=axes, seeds=range(7), compare=compare, recon=False))[0]
    pattern = r"In PSNR, lambda_x 96 is better than 12 by 2\.\d\d dB, and (.*) cannot be told from 12\."
    found = re.fullmatch(pattern, first)
    assert found, first
    assert found[1] == "lambda_x 11.98 and lambda_x 12.02"


def test_what_one_seed_shows_is_said_as_seen(tmp_path: Path) -> None:
    axes = {"loss.adversarial": ["vanilla", "lsgan", "hinge"]}
    compare = {"primary": ["psnr"], "rate_match": "off"}
    first = sentences(tmp_path, Fabrication(axes=axes, seeds=[0], compare=compare, recon=False))[0]
    assert re.fullmatch(
        r"Seen with 1 seed, too few to claim: in PSNR, lsgan is 0\.\d\d dB above vanilla, and hinge is 0\.\d\d dB "
        r"above vanilla\. 7 seeds can show a difference\.",
        first,
    ), first


def test_what_the_seeds_cannot_support_is_refused_with_what_would_be_needed(tmp_path: Path) -> None:
    first, line, *_ = sentences(tmp_path, loud(3, margin={"psnr": 0.1}))
    assert first.startswith("Seen with 3 seeds, too few to claim: in PSNR, lambda_x 96 is 2.1")
    assert first.endswith(" dB above 12. 6 seeds can show a difference.")
    assert line.startswith("lambda_x 96 against 12: PSNR +2.1")
    assert not any(word in first + line for word in ("better", "worse", "equivalent"))


def test_what_was_not_measured_alike_is_no_verdict_and_says_in_what(tmp_path: Path) -> None:
    store = fabricate(tmp_path, loud(6, margin={"psnr": 0.1}))
    study = read_study(store)
    for cell in study.cells:
        assert cell.result is not None
        cell.result.protocol["psnr"] = {"images": 6 if cell.axes["loss.lambda_x"] == 12.0 else 99}
    said = verdict(Evidence(study, store)).numbers["sentences"]
    assert said[0] == "In PSNR, lambda_x 96 cannot be judged: not measured like 12."
    assert "not measured alike: images: 99 and 6" in said[1]
    assert not any(word in " ".join(said[:2]) for word in ("better", "worse", "equivalent"))


@pytest.mark.parametrize("at_once", [1, 2])
def test_time_is_told_where_cells_had_the_device_to_themselves(tmp_path: Path, at_once: int) -> None:
    what = replace(loud(6), environments={cell: {"cells_at_once": at_once} for cell in range(12)})
    assert ("Training time" in " ".join(sentences(tmp_path, what))) == (at_once == 1)


def test_many_declared_comparisons_need_more_seeds_and_say_how_many(tmp_path: Path) -> None:
    axes = {"loss.lambda_x": [6.0, 12.0, 24.0, 48.0]}
    compare = {"primary": ["psnr"], "rate_match": "off"}
    said = sentences(tmp_path, Fabrication(axes=axes, seeds=range(6), compare=compare, recon=False))
    assert said[0].startswith("Seen with 6 seeds, too few to claim: ")
    assert said[0].endswith("7 seeds can show a difference.")
    assert any("but not 0.05 once Holm accounts for 3 comparisons; 7 seeds would" in each for each in said)


def test_both_numbers_of_seeds_are_told_where_corrections_ask_for_more(tmp_path: Path) -> None:
    axes = {"loss.lambda_x": [6.0, 12.0, 24.0, 48.0]}
    said = sentences(tmp_path, Fabrication(axes=axes, compare={"primary": ["psnr"], "rate_match": "off"}, recon=False))
    words = "6 seeds reach 0.031 for a single comparison, and 3 corrected by Holm take 7. Intervals are shown"
    assert any(words in each for each in said)


def test_fewer_declared_axes_leave_the_seeds_to_those(tmp_path: Path) -> None:
    axes = {"loss.lambda_x": [6.0, 48.0], "discriminator.scales": [1, 3]}
    compare = {"primary": ["psnr"], "rate_match": "off"}
    both = Fabrication(axes=axes, seeds=range(6), compare=compare, recon=False)
    one = Fabrication(axes=axes, seeds=range(6), compare={**compare, "axes": ["loss.lambda_x"]}, recon=False)
    assert sentences(tmp_path / "both", both)[0].startswith("Seen with 6 seeds, too few to claim: ")
    said = sentences(tmp_path / "one", one)
    assert said[0].startswith("In PSNR, lambda_x 48 is better than 6 by ")
    assert any(each.startswith("scales 3 against 1 (exploratory): PSNR") and "): worse" in each for each in said)


def test_better_quality_for_more_bits_is_no_verdict(tmp_path: Path) -> None:
    # In the made-up world bits rise by 0.1 % of the bound per dB: 2.1 dB cost 0.23 % more.
    allowed = sentences(tmp_path / "allowed", loud(6, rate_match="within:1%"))[0]
    refused, line, *_ = sentences(tmp_path / "refused", loud(6, rate_match="within:0.1%"))
    assert "is better than" in allowed
    assert refused == "In PSNR, lambda_x 96 cannot be judged: other bits than 12."
    assert "no verdict on quality: its bits are +0.2 % [+0.2, +0.2], not shown to match within 0.1 %" in line


def test_one_seed_has_no_verdict_and_nothing_stands_out(tmp_path: Path) -> None:
    first, *rest = sentences(tmp_path, loud(1))
    assert first.startswith("Seen with 1 seed, too few to claim: in PSNR, lambda_x 96 is ")
    assert first.endswith(" above 12. 6 seeds can show a difference.")
    assert any("There is no interval either." in each for each in rest)


def test_a_baseline_that_never_finished_is_the_reason_why_nothing_can_be_claimed(tmp_path: Path) -> None:
    axes = {"loss.adversarial": ["vanilla", "lsgan"]}
    compare = {"baseline": {"loss.adversarial": "vanilla"}}
    what = Fabrication(axes=axes, status={0: "diverged", 1: "failed"}, compare=compare, recon=False)
    store = fabricate(tmp_path, what)
    found = verdict(Evidence(read_study(store), store))
    first = found.numbers["sentences"][0]
    assert first.endswith("the baseline adversarial=vanilla has no finished cell (1 diverged and 1 failed).")
    blocks = verdicts(Evidence(read_study(store), store)).blocks
    assert next(block.title for block in blocks if isinstance(block, Items)) == "Verdicts against the baseline"


def test_the_only_arm_that_has_finished_is_ahead_of_nobody(tmp_path: Path) -> None:
    axes = {"loss.adversarial": ["vanilla", "lsgan"]}
    said = sentences(tmp_path, Fabrication(axes=axes, status={0: "pending", 1: "pending"}, recon=False))
    assert not any("compared" in each or "best on every" in each for each in said)


def test_a_grid_that_only_failed_says_so(tmp_path: Path) -> None:
    status = {0: "failed", 1: "diverged", 2: "failed"}
    (said,) = sentences(tmp_path, Fabrication(axes={"loss.lambda_x": [12.0, 48.0]}, status={**status, 3: "pending"}))
    assert said.startswith("No cell has finished yet, so there is nothing to compare. 4 cells planned, ")
    assert "of them 1 diverged and 2 failed (Completeness says why); " in said


def test_who_is_ahead_is_told_and_doubted_where_it_may_be_chance(tmp_path: Path) -> None:
    said = sentences(tmp_path, Fabrication(axes={"loss.lambda_x": [12.0, 12.01]}, recon=False))
    ahead = next(each for each in said if each.startswith("Among 2 arms compared"))
    assert "not separable from the runner-up at 2 seeds" in ahead


def test_a_lead_that_every_seed_agrees_on_is_not_doubted(tmp_path: Path) -> None:
    ahead = next(each for each in sentences(tmp_path, loud(4)) if each.startswith("Among"))
    assert ahead.startswith("Among 2 arms compared, lambda_x=96 has the highest PSNR.")
    assert "not separable" not in ahead


def test_only_declared_metrics_decide(tmp_path: Path) -> None:
    said = sentences(tmp_path, loud(2, primary=["fd_lite0_112"]))
    assert any("lambda_x=12 has the lowest FD-Lite0-112" in each for each in said)
    assert not any("PSNR" in each for each in said)


def test_a_level_beyond_the_three_strongest_is_counted_and_not_listed(tmp_path: Path) -> None:
    axes = {"loss.lambda_x": [3.0, 6.0, 12.0, 24.0, 48.0, 96.0]}
    moved = [each for each in sentences(tmp_path, Fabrication(axes=axes, recon=False)) if each.startswith("lambda_x ")]
    assert len(moved) == 3
    assert moved[-1].endswith("(2 other levels moved it less.)")


def test_a_design_that_can_claim_says_what_it_would_have_missed(tmp_path: Path) -> None:
    assert any(
        "any of the declared comparisons would have shown a true difference from zero of" in each
        and "with 80 % power" in each
        for each in sentences(tmp_path, loud(6))
    )


@pytest.mark.parametrize("alpha", [0.01, 0.05, 0.1])
def test_the_interval_and_the_p_beside_a_verdict_are_those_that_it_rests_on(tmp_path: Path, alpha: float) -> None:
    store = fabricate(tmp_path, loud(8, margin={"psnr": 2.1}, alpha=alpha))
    evidence = Evidence(read_study(store), store)
    (each,) = evidence.contrasts["psnr"]
    judged = each.judgement
    assert judged is not None
    assert each.effect.interval is not None
    assert each.adjusted_claim_p is not None
    assert judged.interval.confidence == 1 - alpha
    assert probability(each.adjusted_claim_p) != probability(each.adjusted_p or 0.0)
    line = verdict(evidence).numbers["sentences"][1]
    assert f"dB {interval(judged.interval, 2)} (margin 2.10, p = {probability(each.adjusted_claim_p)}, 8 of" in line
    # Neither the table, the level's own table, nor the drawing has another interval.
    table = next(each for each in verdicts(evidence).blocks if getattr(each, "name", "") == "comparisons-psnr")
    assert table.rows[0][1].below == interval(judged.interval, 2)
    (effects,) = [block for block in axis_effects(evidence).blocks if isinstance(block, Table)]
    assert interval(judged.interval, 2) in str(effects.rows)
    assert f"Student's {100 * (1 - alpha):g} % interval" in str(verdicts(evidence).blocks)
    assert f"its {100 * (1 - alpha):g} % t-interval" in str(axis_effects(evidence).blocks)
    drawn = mock.Mock()
    _row(drawn, 0, each, 9.0)
    assert drawn.hlines.call_args.args[1:] == (judged.interval.low, judged.interval.high)


def test_an_interval_that_would_not_do_at_its_level_is_not_said_to_do(tmp_path: Path) -> None:
    # The 95 % interval keeps beyond this margin, the 99 % interval does not.
    store = fabricate(tmp_path, loud(8, margin={"psnr": 2.0}, alpha=0.01))
    evidence = Evidence(read_study(store), store)
    (each,) = evidence.contrasts["psnr"]
    assert each.effect.interval is not None
    assert each.judgement is not None
    between = ((each.effect.interval.low or 0.0) + (each.judgement.interval.low or 0.0)) / 2
    said = why_not(replace(each, margin=between, reason=Doubt.spread))
    assert said.startswith("the interval reaches over the margin")


@pytest.mark.parametrize(
    ("correction", "told", "corrected"),
    [
        ("holm", "both corrected for all declared comparisons on the metric (Holm)", "Holm over 1"),
        ("holm-all", "both corrected for all declared comparisons on all metrics (Holm)", "Holm over 2"),
        ("none", "neither corrected for the number of declared comparisons", "uncorrected"),
    ],
)
def test_the_correction_that_the_grid_asks_for_is_told(
    tmp_path: Path, correction: str, told: str, corrected: str
) -> None:
    what = loud(6, primary=["psnr", "fd_lite0_112"], correction=correction)
    store = fabricate(tmp_path, what)
    blocks = verdicts(Evidence(read_study(store), store)).blocks
    assert any(isinstance(block, Text) and told in block.plain for block in blocks)
    table = next(each for each in blocks if isinstance(each, Table) and each.name == "comparisons-psnr")
    assert f"p-values: {corrected}." in table.caption


def taught(root: Path, *levels: float) -> list[str]:
    """Returns the sentences of a grid whose arms at these levels are trained against the network that measures."""
    what = loud(6, primary=["psnr", "fd_lite0_112"])
    store = fabricate(root, replace(what, axes={"loss.lambda_x": [12.0, 24.0, 96.0]}))
    study = read_study(store)
    for cell in study.cells:
        assert cell.result is not None
        cell.result.protocol["fd_lite0_112"]["trained_against"] = cell.axes["loss.lambda_x"] in levels
    return list(verdict(Evidence(study, store)).numbers["sentences"])


def test_the_headline_says_that_an_arm_taught_by_the_network_that_measures_cannot_be_judged(tmp_path: Path) -> None:
    first = taught(tmp_path, 96.0)[0]
    assert "lambda_x 96 cannot be judged against 12: trained against the network that measures" in first


def test_an_arm_is_best_on_every_metric_only_where_each_has_a_winner(tmp_path: Path) -> None:
    said = " ".join(taught(tmp_path, 12.0, 24.0, 96.0))
    assert "lambda_x=96 has the highest PSNR." in said
    assert "best on every" not in said


def test_one_arm_that_may_be_ranked_stands_in_no_trade(tmp_path: Path) -> None:
    said = " ".join(taught(tmp_path, 24.0, 96.0))
    assert "has the lowest FD-Lite0-112" in said
    assert "each a trade" not in said
    assert "No arm is best at everything: 3 of 3 are beaten by none, each a trade." in " ".join(
        taught(tmp_path / "fair")
    )


def test_the_axis_of_a_comparison_is_no_axis_that_draws_its_curve(tmp_path: Path) -> None:
    axes = {"loss.lambda_x": [6.0, 12.0, 24.0, 48.0]}
    compare = {"primary": ["psnr"], "rate_match": "bd"}
    said = " ".join(sentences(tmp_path, Fabrication(axes=axes, compare=compare, recon=False)))
    assert "(no other axis draws one of four points)" in said
