"""[tune]: which settings are drawn from which ranges, alike for every arm, and what is refused with why."""

from __future__ import annotations

import re

import pytest

from ablate.grid.draws import draw
from ablate.limits import Range

GRID = """
[base]
preset = "tiny"
data.validation_fraction = 0.3
[axes]
"loss.adversarial" = ["vanilla", "lsgan", "hinge"]
[seeds]
values = [0, 1]
[compare]
primary = ["psnr"]
[tune]
"""
LAMBDA = 'over = ["loss.lambda_x"]\n'


@pytest.fixture
def tuning(grid):
    return lambda text, **changes: grid(_with(GRID, **changes) + text).tuning


@pytest.fixture
def refusal(mistakes):
    def read(text: str, **changes: str) -> str:
        (mistake,) = mistakes('schema = 1\nname = "test"\n' + _with(GRID, **changes) + text)
        return str(mistake).partition("grid.toml:")[2]

    return read


def _with(text: str, **changes: str) -> str:
    for line, other in changes.items():
        start = next(each for each in text.splitlines() if line in each)
        text = text.replace(start, other)
    return text


def test_every_arm_has_as_many_trials_and_the_same_values_of_what_arms_share(tuning):
    found = tuning('trials = 5\nover = ["loss.lambda_x", "optimizers.generator.*", "loss.adversarial.*"]\n')
    assert [arm.arm for arm in found.arms] == [f"adversarial={name}" for name in ("vanilla", "lsgan", "hinge")]
    assert {len(arm.trials) for arm in found.arms} == {5}
    shared = set.intersection(*({*trial} for arm in found.arms for trial in arm.trials))
    assert {"loss.lambda_x", "optimizers.generator.learning_rate", "optimizers.generator.beta1"} <= shared
    values = [[[trial[key] for key in sorted(shared)] for trial in arm.trials] for arm in found.arms]
    assert values[0] == values[1] == values[2]
    assert len({tuple(trial) for trial in values[0]}) == 5


def test_an_option_is_tuned_where_the_arm_has_it_within_the_range_that_its_loss_declares(tuning):
    found = {arm.arm: arm for arm in tuning('over = ["loss.adversarial.*"]\n').arms}
    assert found["adversarial=vanilla"].ranges == {"loss.adversarial.real_target": {"lin": (0.7, 1.0)}}
    assert {*found["adversarial=lsgan"].ranges} == {
        f"loss.adversarial.{name}_target" for name in ("real", "fake", "generator")
    }
    assert found["adversarial=hinge"].ranges == {}
    assert all(0.7 <= trial["loss.adversarial.real_target"] <= 1 for trial in found["adversarial=vanilla"].trials)


def test_a_pattern_takes_every_setting_with_a_range_and_a_given_range_goes_before_the_declared_one(tuning):
    found = tuning('over = { "optimizers.*.learning_rate" = "declared", "loss.lambda_x" = { lin = [3, 4] } }\n').arms[0]
    rates = {f"optimizers.{name}.learning_rate" for name in ("generator", "discriminator", "warmup")}
    assert {*found.ranges} == rates | {"loss.lambda_x"}
    assert found.ranges["loss.lambda_x"] == {"lin": (3.0, 4.0)}
    assert all(3 <= trial["loss.lambda_x"] <= 4 for trial in found.trials)


def test_a_setting_of_whole_numbers_is_drawn_in_whole_numbers(tuning):
    found = tuning('trials = 8\nover = { "train.discriminator_steps" = { lin = [1, 5] } }\n').arms[0]
    assert {type(trial["train.discriminator_steps"]) for trial in found.trials} == {int}


@pytest.mark.parametrize(
    "option", ["draws = 1\n", "trials = 17\n", 'metric = "ssim"\n', "rungs = [1.0]\n", "seeds = [9]\n"]
)
def test_every_option_changes_what_is_planned(option: str, tuning):
    assert tuning(LAMBDA) != tuning(option + LAMBDA)


def test_trials_have_a_seed_of_their_own_and_the_first_primary_metric_where_nothing_is_said(tuning):
    found = tuning(LAMBDA)
    assert (found.seeds, found.metric, found.figure, found.direction) == ((2,), "psnr", "psnr@validation", "higher")
    assert tuning('metric = "fd_lite0_112"\n' + LAMBDA).direction == "lower"


def test_a_grid_without_tune_tunes_nothing(grid):
    assert grid("").tuning is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('over = ["loss.lamda_x"]\n', "14: tune.over loss.lamda_x: no setting .* did you mean 'loss.lambda_x'"),
        ('over = ["loss.adversarial"]\n', "14: tune.over loss.adversarial: not a number"),
        ('over = ["data.crop"]\n', r'14: tune.over data.crop: no range is declared .* "data.crop" = \{ log = '),
        ("over = []\n", "13: tune.over: missing"),
        ('over = { "loss.lambda_x" = { log = [48, 3] } }\n', "14: .* first is not below last"),
        ('over = { "loss.lambda_x" = { log = [0, 3] } }\n', "14: .* finite numbers above 0"),
        ('over = { "loss.lambda_x" = { lin = [-4, 3] } }\n', r"14: tune.over loss.lambda_x = -4.0: out of range"),
        ('over = { "loss.lambda_x" = [3, 4] }\n', r"14: .* not a range .allowed: . log = "),
        (LAMBDA + 'select_on = "test"\n', '15: tune.select_on = "test": .* by the images that judge them'),
        (LAMBDA + 'select_on = "valid"\n', "15: .* did you mean 'validation'"),
        (LAMBDA + 'metric = "psnrr"\n', "15: tune.metric = .* unknown metric .* did you mean 'psnr'"),
        (LAMBDA + 'metric = "lpips_alex"\n', "15: tune.metric: lpips_alex is not measured .* psnr"),
        (LAMBDA + 'metric = "dead_channels"\n', "15: tune.metric = .*"),
        (LAMBDA + "seeds = [1]\n", "15: tune.seeds = 1: judges the winners"),
        (LAMBDA + "rungs = [0.5, 0.25]\n", "15: tune.rungs = .*not parts of a training that grow"),
        (LAMBDA + "rungs = [0.001, 1.0]\n", "15: tune.rungs = .* of 80 steps .* end at one step, or at none"),
        ("trial = 3\n" + LAMBDA, "14: tune.trial: unknown key .* did you mean 'trials'"),
    ],
)
def test_what_cannot_be_tuned_is_refused_with_line_and_why(text: str, said: str, refusal):
    assert re.match(said, refusal(text)), refusal(text)


def test_what_tells_arms_apart_cannot_be_tuned(refusal):
    text = '"loss.lambda_x" = [3.0, 12.0]\n"loss.adversarial" = ["vanilla", "hinge"]'
    assert "loss.lambda_x tells arms apart already (line 8)" in refusal(LAMBDA, **{'"loss.adversarial"': text})


def test_without_validation_images_nothing_can_be_chosen(refusal):
    said = refusal(LAMBDA, **{"data.validation_fraction": ""})
    assert "there are no validation images to choose by" in said
    assert "base.data.validation_fraction" in said


def test_a_rung_that_ends_before_the_adversary_takes_part_is_refused(refusal):
    said = refusal(
        LAMBDA, **{"data.validation_fraction": "data.validation_fraction = 0.3\ntrain.discriminator_start = 30"}
    )
    assert "never takes part: train.discriminator_start = 30 and train.stop_at = 20" in said


def test_draws_cover_each_range_evenly_and_come_again():
    drawn = draw(["a", "b"], 16, seed=3)
    assert drawn == draw(["a", "b"], 16, seed=3)
    assert drawn[:5] == draw(["a", "b"], 5, seed=3), "more trials add to those that there are"
    assert drawn != draw(["a", "b"], 16, seed=4)
    for key in ("a", "b"):
        assert sorted(int(16 * point[key]) for point in drawn) == list(range(16)), "one in each sixteenth"


def test_a_range_is_even_on_its_scale_and_a_pair_over_a_decade_is_logarithmic():
    assert [Range(1, 100, "log").at(share) for share in (0, 0.5, 1)] == [1, 10, 100]
    assert [Range(1, 3).at(share) for share in (0, 0.5, 1)] == [1, 2, 3]
    assert [Range.of_pair(*pair).scale for pair in ((0.1, 1.0), (0.5, 1.0), (-1.0, 1.0), (0.0, 9.0))] == [
        "log", "lin", "lin", "lin",
    ]  # fmt: skip
