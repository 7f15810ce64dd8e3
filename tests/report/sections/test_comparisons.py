"""Forest plot, interactions, variance, budgets and sensitivity as a reader finds them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from unittest import mock

import pytest

from ablate.analysis import read_study
from ablate.report.document import Figure, Section, Table
from ablate.report.evidence import Evidence
from ablate.report.sections.budget import equal_budgets
from ablate.report.sections.forest import ROWS, forest
from ablate.report.sections.interactions import interaction_effects
from ablate.report.sections.sensitivity import sensitivity_analysis
from ablate.report.sections.variance import variance
from ablate.report.sections.verdicts import verdicts
from tests.fabricated_store import Fabrication, fabricate

TWO = {"loss.lambda_x": [12.0, 96.0], "loss.adversarial": ["vanilla", "hinge"]}
CLAIMS = {"primary": ["psnr"], "margin": {"psnr": 0.1}, "rate_match": "off", "axes": ["loss.lambda_x"]}


def section(make: Callable[[Evidence], Section], root: Path, what: Fabrication) -> Section:
    store = fabricate(root, what)
    return make(Evidence(read_study(store), store))


def words(found: Section) -> str:
    """Returns all the words of a section."""
    parts = []
    for block in found.blocks:
        if isinstance(block, Table):
            parts += [block.title, block.caption]
            parts += [f"{value.text} {value.below}" for row in block.rows for value in row]
        elif hasattr(block, "plain"):
            parts.append(block.plain)
        elif hasattr(block, "items"):
            parts += [block.title, *(item.plain for item in block.items)]
    return "\n".join(parts)


def test_each_comparison_has_a_row_with_its_verdict_and_what_it_rests_on(tmp_path: Path) -> None:
    store = fabricate(tmp_path, Fabrication(axes=TWO, seeds=range(6), compare=CLAIMS, recon=False))
    evidence = Evidence(read_study(store), store)
    (figure,) = [block for block in forest(evidence).blocks if isinstance(block, Figure)]
    assert "better" in figure.svg
    psnr = next(
        block for block in verdicts(evidence).blocks if isinstance(block, Table) and block.name == "comparisons-psnr"
    )
    (first, second) = psnr.rows
    assert first[0].text == "lambda_x  96  vs 12"
    assert first[-1].text == "better"
    assert (first[3].text, first[3].below) == ("0.031", "0.031 at best")
    assert first[6].below == "12 of 12 pairs"
    # Not declared, so explored.
    assert "exploratory" in second[-1].text
    assert "Holm over 1 and Benjamini-Hochberg over 1" in psnr.caption


def test_too_few_seeds_are_told_once_below_the_table(tmp_path: Path) -> None:
    found = section(verdicts, tmp_path, Fabrication(axes=TWO, compare=CLAIMS, recon=False))
    assert "Too few seeds: 6 seeds reach p = 0.031; you have 2 (0.5 at best)." in words(found)


def test_one_arm_has_no_comparison(tmp_path: Path) -> None:
    found = section(forest, tmp_path, Fabrication(axes={}, recon=False))
    assert "nothing to compare" in words(found)
    full = section(verdicts, tmp_path / "full", Fabrication(axes={}, recon=False))
    assert not any(isinstance(block, Table) for block in full.blocks)


@pytest.mark.parametrize(("levels", "told"), [(ROWS + 1, False), (ROWS + 3, True)])
def test_comparisons_that_are_not_drawn_are_counted(tmp_path: Path, levels: int, told: bool) -> None:
    axes = {"loss.lambda_x": [12.0 + level for level in range(levels)]}
    found = section(forest, tmp_path, Fabrication(axes=axes, seeds=[0], recon=False, log_points=2))
    (figure,) = [block for block in found.blocks if isinstance(block, Figure)]
    said = f"Of {levels - 1} comparisons {ROWS} are drawn"
    assert (said in figure.caption) == told


def test_interactions_are_drawn_and_are_exploratory(tmp_path: Path) -> None:
    found = section(interaction_effects, tmp_path, Fabrication(axes=TWO, seeds=range(6), compare=CLAIMS, recon=False))
    assert any(isinstance(block, Figure) for block in found.blocks)
    assert "exploratory" in words(found)
    (only,) = found.numbers["interactions"]
    # In the made-up world effects add up, give or take what a seed moves.
    assert abs(only["interval"]["mean"]) < 0.3


def test_all_panels_of_a_metric_have_one_scale_so_that_colours_compare(tmp_path: Path) -> None:
    with mock.patch("seaborn.heatmap") as heatmap:
        found = section(interaction_effects, tmp_path, Fabrication(seeds=[0], recon=False, log_points=2))
    reaches = [call.kwargs["vmax"] for call in heatmap.call_args_list]
    sizes = [(each["metric"], abs(each["interval"]["mean"])) for each in found.numbers["interactions"]]
    largest = [max(size for metric, size in sizes if metric == name) for name in ("psnr", "fd_lite0_112")]
    # Three pairs of axes for either metric.
    assert reaches == [largest[0]] * 3 + [largest[1]] * 3
    # One seed has no interval, beyond which a colour could pale.
    assert "pale" not in words(found)


def test_one_axis_has_no_interactions_and_says_so(tmp_path: Path) -> None:
    axes = {"loss.lambda_x": [6.0, 12.0, 24.0]}
    found = section(interaction_effects, tmp_path, Fabrication(axes=axes, recon=False))
    assert "No two axes of this grid are crossed" in words(found)


def test_ranks_are_called_a_description(tmp_path: Path) -> None:
    axes = {"loss.adversarial": ["vanilla", "lsgan", "hinge"], "loss.lambda_x": [6.0, 12.0, 24.0]}
    found = section(interaction_effects, tmp_path, Fabrication(axes=axes, recon=False))
    assert "Ranks over blocks, as a description" in words(found)
    assert "mean rank over 3 blocks (1 is best): hinge 1.0, lsgan" in words(found)


def test_the_parts_of_the_variance_add_the_machine_where_a_cell_ran_twice(tmp_path: Path) -> None:
    what = Fabrication(axes=TWO, seeds=range(3), compare=CLAIMS, recon=False, aa=True)
    found = section(variance, tmp_path, what)
    assert "A/A noise floor: run again with the same seed, a cell's score moves by PSNR 0.00 dB" in words(found)
    deviations = found.numbers["components"]["deviations"]
    # Images of the made-up world are 1.5 dB apart.
    assert abs(deviations["image"] - 1.5) < 1e-6
    assert deviations["arm x seed"] > 0.02


def test_without_a_second_run_the_noise_floor_is_said_to_be_unknown(tmp_path: Path) -> None:
    found = section(variance, tmp_path, Fabrication(axes=TWO, recon=False))
    assert "what the machine alone moves is not known ([seeds] aa = true)" in words(found)


def test_a_verdict_that_stands_under_every_choice_says_so(tmp_path: Path) -> None:
    what = Fabrication(axes=TWO, seeds=range(7), compare={**CLAIMS, "primary": ["psnr"]}, recon=False)
    found = section(sensitivity_analysis, tmp_path, what)
    (own,) = found.numbers["contrasts"]
    assert own["verdict"] == own["leaning"] == own["other_weights"] == "better"
    assert "better throughout" in words(found)
    # The distance of the made-up world grows with lambda_x, which contradicts.
    assert own["other_metrics"]["fd_lite0_112"] == "worse"
    assert "1 verdict of 1 would be another" in words(found)
    assert "against it: FD-Lite0-112" in words(found)
    assert "No cell diverged. With 7 seeds an arm may still diverge in up to 35% of runs" in words(found)


def test_divergence_is_told_with_its_interval_and_with_failures_as_worst(tmp_path: Path) -> None:
    what = Fabrication(axes={"loss.lambda_x": [12.0, 96.0]}, seeds=range(4), status={4: "diverged"}, recon=False)
    said = words(section(sensitivity_analysis, tmp_path, what))
    assert "1 of 4 [5%, 70%]" in said
    assert "with failures" in said


def test_budgets_compare_equal_steps_and_equal_seconds(tmp_path: Path) -> None:
    found = section(equal_budgets, tmp_path, Fabrication(axes=TWO, recon=False))
    assert [budget["unit"] for budget in found.numbers["budgets"]] == ["steps", "seconds"]
    assert "Equal steps and equal seconds" in words(found)


def test_every_section_has_words_for_a_grid_where_nothing_finished(tmp_path: Path) -> None:
    nothing = Fabrication(axes=TWO, status=dict.fromkeys(range(8), "pending"), recon=False)
    for make in (forest, interaction_effects, variance, sensitivity_analysis, equal_budgets):
        root = tmp_path / make.__name__
        assert words(section(make, root, nothing))


CURVES = {"loss.adversarial": ["vanilla", "hinge"], "model.channels": [4, 8, 12, 16]}


def test_at_equal_bits_curves_are_compared_and_the_table_says_what_they_share(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # In the made-up world hinge is 0.4 dB above vanilla whatever the bits.
    monkeypatch.setattr("tests.fabricated_store.BITS", {4: 0.036, 8: 0.0726, 12: 0.109, 16: 0.145})
    compare = {"primary": ["psnr"], "margin": {"psnr": 0.1}, "rate_match": "bd", "axes": ["loss.adversarial"]}
    what = Fabrication(axes=CURVES, seeds=range(6), compare=compare, recon=False)
    found = section(verdicts, tmp_path, what)
    table = next(block for block in found.blocks if isinstance(block, Table) and block.name == "bjontegaard")
    (row,) = table.rows
    assert row[0].text == "adversarial hinge vs vanilla"
    assert abs(float(row[2].text.split()[0]) - 0.4) < 0.1
    assert "6 of 6 pairs of curves" in row[2].below
    assert int(row[4].text) > 90
    judged = next(block for block in found.blocks if isinstance(block, Table) and block.name == "comparisons-psnr")
    assert (judged.rows[0][0].below, judged.rows[0][-1].text) == ("BD-PSNR", "better")


def test_without_an_axis_of_four_numbers_there_are_no_curves(tmp_path: Path) -> None:
    found = section(forest, tmp_path, Fabrication(axes=TWO, compare=CLAIMS, recon=False))
    assert not any(isinstance(block, Table) and block.name == "bjontegaard" for block in found.blocks)
