from __future__ import annotations

from ablate.analysis import BESIDE, effects, level_means
from ablate.analysis.intervals import t_interval
from tests.analysis.studies import cell, study

AXES = {"loss": ["a", "b"], "scales": [1, 3]}


def grid(scores: dict[tuple[str, int, int], float | None]) -> list:
    return [cell({"loss": loss, "scales": scales}, seed, value) for (loss, scales, seed), value in scores.items()]


COMPLETE = {
    ("a", 1, 0): 20.0, ("b", 1, 0): 21.0, ("a", 3, 0): 22.0, ("b", 3, 0): 25.0,
    ("a", 1, 1): 30.0, ("b", 1, 1): 32.0, ("a", 3, 1): 31.0, ("b", 3, 1): 35.0,
}  # fmt: skip


def test_an_effect_is_paired_within_a_seed_and_averaged_over_the_other_axes() -> None:
    loss, scales = effects(study(grid(COMPLETE), AXES), "psnr")
    # By hand: seed 0 has 21 - 20 and 25 - 22, seed 1 has 32 - 30 and 35 - 31.
    assert dict(loss.by_seed) == {0: 2.0, 1: 3.0}
    assert loss.interval == t_interval([2.0, 3.0])
    assert (loss.level, loss.baseline, loss.pairs, loss.planned_pairs) == ("b", "a", 4, 4)
    assert dict(scales.by_seed) == {0: 3.0, 1: 2.0}


def test_n_is_the_number_of_seeds_and_not_of_cells() -> None:
    assert effects(study(grid(COMPLETE), AXES), "psnr")[0].interval.n == 2


def test_a_missing_cell_drops_its_pair_and_leaves_the_other_differences_alone() -> None:
    scores = {**COMPLETE, ("a", 3, 0): None}
    found = effects(study(grid(scores), AXES), "psnr")[0]
    assert dict(found.by_seed) == {0: 1.0, 1: 3.0}
    assert (found.pairs, found.planned_pairs) == (3, 4)


def test_without_any_pair_there_is_no_interval() -> None:
    scores = {key: None if key[0] == "a" else value for key, value in COMPLETE.items()}
    found = effects(study(grid(scores), AXES), "psnr")[0]
    assert found.interval is None
    assert found.pairs == 0


def test_the_declared_baseline_turns_the_sign() -> None:
    found = effects(study(grid(COMPLETE), AXES, {"loss": "b"}), "psnr")[0]
    assert (found.level, found.baseline, found.interval.mean) == ("a", "b", -2.5)


def test_a_repetition_of_a_seed_counts_for_nothing() -> None:
    again = cell({"loss": "a", "scales": 1}, 0, 99.0, replicate=1)
    assert effects(study([*grid(COMPLETE), again], AXES), "psnr") == effects(study(grid(COMPLETE), AXES), "psnr")


def test_a_marginal_mean_is_taken_within_a_seed_first() -> None:
    scores = {**COMPLETE, ("a", 3, 0): None}
    subject = study(grid(scores), AXES)
    a, b = level_means(subject, subject.axes[0], "psnr")
    assert dict(a.by_seed) == {0: 20.0, 1: 30.5}
    assert (a.interval.mean, a.cells, a.planned) == (25.25, 3, 4)
    assert (b.interval.mean, b.cells) == (28.25, 4)


def test_an_arm_beside_the_axes_is_compared_with_the_baseline_arm_and_has_no_part_in_the_axes() -> None:
    controls = [cell({"weight": 0.0}, seed, 50.0 + seed, arm="no GAN") for seed in (0, 1)]
    *axes, beside = effects(study([*grid(COMPLETE), *controls], AXES), "psnr")
    assert tuple(axes) == effects(study(grid(COMPLETE), AXES), "psnr")
    # The baseline arm is loss a with one scale: 20 with seed 0, 30 with seed 1.
    assert (beside.key, dict(beside.by_seed), beside.planned_pairs) == ((BESIDE, "no GAN"), {0: 30.0, 1: 21.0}, 2)


def test_where_the_grid_leaves_the_baseline_arm_out_nothing_is_compared_beside_the_axes() -> None:
    cells = [cell({"loss": loss, "scales": scales}, 0, 20.0) for loss, scales in (("a", 3), ("b", 1), ("b", 3))]
    subject = study([*cells, cell({"weight": 0.0}, 0, 50.0, arm="no GAN")], AXES)
    assert subject.baseline is None
    assert {each.axis for each in effects(subject, "psnr")} == {"loss", "scales"}


def test_the_reference_is_the_mean_of_the_baseline_in_the_pairs() -> None:
    scores = {**COMPLETE, ("b", 3, 1): None}
    assert effects(study(grid(scores), AXES), "psnr")[0].reference == (20.0 + 22.0 + 30.0) / 3
