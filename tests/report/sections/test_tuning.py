"""The section of a tuned grid, of a store that is made up."""

from __future__ import annotations

from pathlib import Path

import pytest

from ablate.analysis import read_study
from ablate.records import ArmChoice, PlannedTuning, TrialRecord, TunedArm, TuningRecord
from ablate.records.tuning import Tuned
from ablate.report.document import Figure, Section, Table, Text
from ablate.report.evidence import Evidence
from ablate.report.report import write_report
from ablate.report.sections.tuning import tuning
from ablate.store import Store
from tests.fabricated_store import Fabrication, fabricate

ARMS = ("lsgan", "hinge")


def made_up(root: Path, lambdas: dict[str, float], diverged: bool = False, complete: bool = True) -> Store:
    """A store of two losses, untuned and tuned: hinge is ahead by 0.15 dB at defaults; doubling lambda_x adds 0.7."""
    beside = {
        f"adversarial={loss} tuned": {"loss.adversarial": loss, "loss.lambda_x": x} for loss, x in lambdas.items()
    }
    axes = {"loss.adversarial": list(ARMS)}
    compare = {"primary": ["psnr"], "baseline": {"loss.adversarial": "lsgan"}}
    store = fabricate(root, Fabrication(axes=axes, seeds=range(7), beside=beside, recon=False, compare=compare))
    plan = store.plan()
    assert plan is not None
    points = [
        point.model_copy(
            update={
                "part": "final",
                "arm": point.setting_label,
                "axes": {"loss.adversarial": point.axes["loss.adversarial"]},
            }
        )
        if "tuned" in point.label
        else point
        for point in plan.points
    ]
    tuning = _record(diverged, complete)
    arms = tuple(
        TunedArm(arm=arm.arm, ranges={}, trials=tuple(trial.values for trial in arm.trials)) for arm in tuning.arms
    )
    tune = PlannedTuning(**{name: getattr(tuning, name) for name in Tuned.model_fields}, arms=arms)
    store.write_plan(plan.model_copy(update={"points": tuple(points), "tune": tune}))
    store.write_tuning(tuning)
    return store


def _record(diverged: bool, complete: bool) -> TuningRecord:
    def trial(number: int, score: float) -> TrialRecord:
        lost = diverged and number == 3
        return TrialRecord(
            number=number,
            values={"loss.lambda_x": 3.0 * (number + 1)},
            cells=((f"{number:012x}",),),
            scores=(None if lost else score,),
            ended="diverged" if lost else "chosen" if number == 2 else "stopped",
            rank=1,
        )

    choices = [
        ArmChoice(
            arm=f"adversarial={loss}",
            complete=complete,
            winner=2 if complete else None,
            why="the highest psnr@validation (22)",
            ties=0,
            diverged=int(diverged),
            unmeasured=0,
            trials=tuple(trial(number, 20.0 + place + number) for number in range(4)),
        )
        for place, loss in enumerate(ARMS)
    ]
    return TuningRecord(
        schema_version=1, metric="psnr", direction="higher", select_on="validation", rungs=(0.25, 1.0), seeds=(9,),
        draws=0, arms=tuple(choices),
    )  # fmt: skip


def section(store: Store) -> Section:
    return tuning(Evidence(read_study(store), store))


def said(found: Section) -> str:
    return "\n".join(block.plain for block in found.blocks if isinstance(block, Text))


def table(found: Section, name: str) -> list[list[str]]:
    (one,) = [block for block in found.blocks if isinstance(block, Table) and block.name == name]
    return [[value.text for value in row] for row in one.rows]


def test_a_ranking_that_tuning_turns_round_does_not_survive(tmp_path: Path):
    text = said(section(made_up(tmp_path, {"lsgan": 48.0, "hinge": 12.5})))
    assert "In PSNR, the ranking at defaults does not survive tuning: of 1 pair of arms, 1 is told apart" in text
    assert "over 7 seeds; 1 is the other way round" in text
    assert "adversarial=hinge, adversarial=lsgan at defaults; adversarial=lsgan, adversarial=hinge tuned" in text


def test_a_ranking_that_tuning_keeps_survives(tmp_path: Path):
    assert "the ranking at defaults survives tuning:" in said(
        section(made_up(tmp_path, {"lsgan": 12.5, "hinge": 24.0}))
    )


def test_gains_choices_and_budgets_are_told_with_their_intervals(tmp_path: Path):
    found = section(made_up(tmp_path, {"lsgan": 48.0, "hinge": 12.5}))
    (lsgan, hinge) = table(found, "tuning")
    assert lsgan[:3] == ["adversarial=lsgan", "2", "9"]
    assert lsgan[3].startswith("+1.4")
    assert abs(float(hinge[3].replace("\N{MINUS SIGN}", "-"))) < 0.15
    assert [row[:2] for row in table(found, "tuning-budgets")] == [
        ["adversarial=lsgan", "21.50"], ["adversarial=hinge", "22.50"],
    ]  # fmt: skip
    (figure,) = [block for block in found.blocks if isinstance(block, Figure)]
    assert "training steps spent on trials" in figure.svg
    assert found.numbers["rankings"]["psnr"]["pairs"][0]["fate"] == "reversed"
    assert len(found.numbers["best_of"]["adversarial=lsgan"]) == 4


def test_a_trial_without_a_figure_counts_as_the_worst_and_is_told(tmp_path: Path):
    found = section(made_up(tmp_path, {"lsgan": 48.0, "hinge": 12.5}, diverged=True))
    assert "2 trials diverged and went no further" in said(found)
    assert "counts as the worst that any arm saw (20)" in said(found)
    assert found.numbers["best_of"]["adversarial=hinge"][0]["mean"] == pytest.approx((21 + 22 + 23 + 20) / 4)


def test_while_tuning_is_not_over_nothing_is_said_of_rankings(tmp_path: Path):
    text = said(section(made_up(tmp_path, {"lsgan": 48.0, "hinge": 12.5}, complete=False)))
    assert "Tuning is not over: 0 of 2 arms have their winner" in text
    assert "survive" not in text


def test_claims_of_the_report_are_of_tuned_arms_and_the_untuned_stand_beside(tmp_path: Path):
    store = made_up(tmp_path, {"lsgan": 48.0, "hinge": 12.5})
    found = Evidence(read_study(store), store).contrasts["psnr"]
    (claim,) = [each for each in found if each.declared]
    assert (claim.effect.level, claim.effect.baseline, claim.verdict) == ("hinge", "lsgan", "worse")
    assert sorted(each.effect.level for each in found if not each.declared) == [
        "adversarial=hinge untuned",
        "adversarial=lsgan untuned",
    ]
    page = write_report([store], tmp_path / "out").markdown.read_text()
    assert "Tuned with equal budgets" in page


def test_a_grid_that_tunes_nothing_has_no_such_section(tmp_path: Path):
    store = fabricate(tmp_path, Fabrication(recon=False))
    assert section(store).blocks == ()
