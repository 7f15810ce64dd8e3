from pathlib import Path
from typing import Any

import pytest

from ablate.check import Finding, GateOutcome, GateResult, Reason, check
from tests.check.judged import CODE, edit, found, made, move, outcomes, recorded, replan, taken

LSGAN, HINGE = "adversarial=lsgan", "adversarial=hinge"
METRICS = ("training", "psnr", "bpp_bound", "bpp_entropy", "bpp_actual", "fd_lite0_112")


def test_an_unchanged_rerun_passes_every_metric_of_every_arm(tmp_path: Path):
    baseline = taken(recorded(made(tmp_path / "then")))
    verdict = check(baseline, recorded(made(tmp_path / "now")))
    assert outcomes(verdict, LSGAN) == outcomes(verdict, HINGE) == dict.fromkeys(METRICS, "pass")
    assert verdict.exit_code(strict=True) == 0
    assert (verdict.grid, verdict.mode, verdict.notes) == ("made-up", "exact", ())


@pytest.mark.parametrize(
    ("metric", "by", "outcome"),
    [
        ("psnr", -0.05, "regressed"),
        ("psnr", 0.05, "improved"),
        ("fd_lite0_112", 0.05, "regressed"),
        ("fd_lite0_112", -0.05, "improved"),
    ],
)
def test_any_move_of_an_exact_repetition_is_red_and_its_sign_says_which_way(tmp_path: Path, metric, by, outcome):
    store = made(tmp_path)
    baseline = taken(recorded(store))
    move(store, 1, metric, by)
    verdict = check(baseline, recorded(store))
    finding = found(verdict, HINGE, metric)
    assert finding.outcome == outcome
    assert finding.change == pytest.approx(by)
    assert verdict.exit_code(strict=False) == 1
    assert set(outcomes(verdict, LSGAN).values()) == {"pass"}


def test_a_move_within_the_margin_passes_and_one_beyond_does_not(tmp_path: Path):
    store, other = made(tmp_path / "a"), made(tmp_path / "b")
    move(other, 0, "psnr", 0.1)
    baseline = taken(recorded(store), alike=[recorded(other)])
    assert baseline.metrics["psnr"].margin == pytest.approx(0.4)
    move(store, 0, "psnr", 0.35)
    assert check(baseline, recorded(store)).exit_code(strict=True) == 0
    move(store, 0, "psnr", 0.1)
    assert check(baseline, recorded(store)).exit_code(strict=True) == 1


def test_a_regression_names_the_image_that_moved_most(tmp_path: Path):
    store = made(tmp_path)
    baseline = taken(recorded(store))
    table = store.cell(f"{0:012x}").images_csv
    lines = table.read_text().splitlines()
    index = next(i for i, line in enumerate(lines) if line.startswith("ema,wave-1.png"))
    fields = lines[index].split(",")
    fields[4] = str(float(fields[4]) - 2)
    table.write_text("\n".join([*lines[:index], ",".join(fields), *lines[index + 1 :]]) + "\n")
    move(store, 0, "psnr", -1.0)
    assert "most on wave-1.png (-2 at seed 0)" in found(check(baseline, recorded(store)), LSGAN, "psnr").detail


def test_a_changed_metric_is_told_from_a_changed_training(tmp_path: Path):
    store = made(tmp_path)
    baseline = taken(recorded(store))
    move(store, 0, "psnr", 3.0)
    verdict = check(baseline, recorded(store, psnr=24.5))
    assert found(verdict, HINGE, "psnr").outcome == "not comparable"
    assert "the metric itself changed: 21.5 became 24.5" in found(verdict, LSGAN, "psnr").detail
    assert found(verdict, LSGAN, "fd_lite0_112").outcome == "pass"
    assert verdict.exit_code(strict=False) == 3


def test_another_protocol_of_a_metric_is_not_comparable_and_leaves_the_others(tmp_path: Path):
    store = made(tmp_path)
    baseline = taken(recorded(store))

    def smaller_patches(result: dict[str, Any]) -> None:
        result["protocol"]["fd_lite0_112"]["patch"] = 32

    edit(store, 0, smaller_patches)
    verdict = check(baseline, recorded(store))
    assert outcomes(verdict, LSGAN) == dict.fromkeys(METRICS, "pass") | {"fd_lite0_112": "not comparable"}
    assert "other protocol: patch: 64 and 32" in found(verdict, LSGAN, "fd_lite0_112").detail
    assert verdict.exit_code(strict=False) == 3


@pytest.mark.parametrize(("status", "said"), [("pending", "seed 0 is pending"), ("failed", "out of memory")])
def test_a_cell_without_a_result_is_missing_and_keeps_the_gate_shut(tmp_path: Path, status: str, said: str):
    baseline = taken(recorded(made(tmp_path / "then")))
    verdict = check(baseline, recorded(made(tmp_path / "now", status={1: status})))
    assert outcomes(verdict, HINGE) == dict.fromkeys(METRICS, "missing")
    assert said in found(verdict, HINGE, "psnr").detail
    assert verdict.exit_code(strict=False) == 3


def test_a_gate_on_nothing_but_missing_cells_is_shut(tmp_path: Path):
    baseline = taken(recorded(made(tmp_path / "then")))
    verdict = check(baseline, recorded(made(tmp_path / "now", status={0: "pending", 1: "pending"})))
    assert verdict.exit_code(strict=False) == 3


def test_an_arm_or_a_seed_that_the_grid_lost_is_missing(tmp_path: Path):
    baseline = taken(recorded(made(tmp_path / "then", seeds=(0, 1))))
    fewer = check(baseline, recorded(made(tmp_path / "arms", axes={"loss.adversarial": ["lsgan"]}, seeds=(0, 1))))
    assert outcomes(fewer, HINGE) == dict.fromkeys(METRICS, "missing")
    store = made(tmp_path / "seeds", seeds=(0, 1))
    replan(store, lambda plan: plan["points"].pop(1))
    lost = check(baseline, recorded(store))
    assert found(lost, LSGAN, "psnr").detail == "the grid has no seed 1"
    assert fewer.exit_code(strict=False) == lost.exit_code(strict=False) == 3


def test_an_arm_that_the_baseline_does_not_know_is_not_passed_over(tmp_path: Path):
    baseline = taken(recorded(made(tmp_path / "then", axes={"loss.adversarial": ["lsgan"]})))
    verdict = check(baseline, recorded(made(tmp_path / "now")))
    assert found(verdict, HINGE, "training").outcome == "missing"
    assert verdict.exit_code(strict=False) == 3


def test_a_seed_that_the_baseline_does_not_know_is_not_passed_over(tmp_path: Path):
    fewer = made(tmp_path / "then", seeds=(0, 1, 2))
    replan(fewer, lambda plan: plan.update(points=[each for each in plan["points"] if each["seed"] < 2]))
    now = recorded(made(tmp_path / "now", seeds=(0, 1, 2), status={5: "diverged"}))
    verdict = check(taken(recorded(fewer)), now)
    details = [each.detail for each in verdict.findings if each.outcome == "missing"]
    assert details == ["not in the baseline: seed 2; update it"] * 2
    assert verdict.exit_code(strict=False) == 3


def _other_ids(plan: dict[str, Any]) -> None:
    for point in plan["points"]:
        point["id"] = "f" + point["id"][1:]


@pytest.mark.parametrize(
    ("section", "key", "said"),
    [("data", "test_digest", "other data: data.test_digest"), ("loss", "lambda_x", "other settings: loss.lambda_x 12")],
)
def test_other_images_and_other_settings_are_named_and_not_compared(tmp_path: Path, section, key, said):
    store = made(tmp_path)
    baseline = taken(recorded(store))

    def change(plan: dict[str, Any]) -> None:
        _other_ids(plan)
        for point in plan["points"]:
            point["cell"][section][key] = "0" * 64 if section == "data" else 24.0

    replan(store, change)
    verdict = check(baseline, recorded(store))
    assert outcomes(verdict, LSGAN) == dict.fromkeys(METRICS, "not comparable")
    assert said in found(verdict, LSGAN, "psnr").detail
    assert verdict.exit_code(strict=False) == 3


def test_another_results_version_is_the_reason_where_no_setting_differs(tmp_path: Path):
    store = made(tmp_path)
    baseline = taken(recorded(store)).model_copy(update={"results_version": 0})
    replan(store, _other_ids)
    assert found(check(baseline, recorded(store)), LSGAN, "psnr").detail.startswith("results version 0 became")


def test_another_results_version_is_not_compared_even_where_a_cell_has_the_same_id(tmp_path: Path):
    store = made(tmp_path)
    result = check(taken(recorded(store)).model_copy(update={"results_version": 0}), recorded(store))
    assert {each.reason for each in result.findings} == {Reason.other_version}
    assert result.exit_code(strict=False) == 3


@pytest.mark.parametrize(
    ("file", "content", "reason"),
    [
        ("result.json", "", Reason.broken),
        ("result.json", "{}", Reason.broken),
        ("result.json", "[]", Reason.broken),
        ("result.json", '{"schema": 1, "id": "0000', Reason.broken),
        ("result.json", "another cell's", Reason.altered),
        ("eval/images.csv", "", Reason.altered),
        ("eval/images.csv", "weights,image,psnr\nema,wave-0.png\n", Reason.altered),
        ("eval/images.csv", None, Reason.broken),
        ("metrics.jsonl", "", Reason.altered),
    ],
)
def test_a_damaged_cell_is_named_with_its_remedy_and_the_others_are_judged(
    tmp_path: Path, file: str, content: str | None, reason: Reason
):
    store = made(tmp_path)
    baseline = taken(recorded(store))
    path = store.cell(f"{1:012x}").path / file
    if content is None:
        path.unlink()
    elif content.startswith("another"):
        path.write_bytes((store.cell(f"{0:012x}").path / file).read_bytes())
    else:
        path.write_text(content)
    result = check(baseline, recorded(store))
    assert outcomes(result, LSGAN) == dict.fromkeys(METRICS, "pass")
    damaged = [each for each in result.findings if each.arm == HINGE]
    assert {each.reason for each in damaged} == {reason}
    remedies = ("run the grid again", "`ablate measure` makes it anew")
    assert all(str(path) in each.detail and any(words in each.detail for words in remedies) for each in damaged)
    assert result.exit_code(strict=False) == 3


def test_where_the_images_lie_is_no_setting(tmp_path: Path):
    store = made(tmp_path)
    baseline = taken(recorded(store))
    assert not {"data.train", "data.test", "data.path", "seed"} & baseline.record.arms[LSGAN].settings.keys()
    assert "data.test_digest" in baseline.record.arms[LSGAN].settings


def test_an_arm_that_only_changed_its_name_is_compared(tmp_path: Path):
    store = made(tmp_path)
    baseline = taken(recorded(store))

    def rename(plan: dict[str, Any]) -> None:
        for point in plan["points"]:
            point["label"] = "other " + point["label"]

    replan(store, rename)
    assert check(baseline, recorded(store)).exit_code(strict=True) == 0


def test_a_training_that_diverges_now_is_a_regression(tmp_path: Path):
    baseline = taken(recorded(made(tmp_path / "then")))
    verdict = check(baseline, recorded(made(tmp_path / "now", status={0: "diverged"})))
    training = found(verdict, LSGAN, "training")
    assert (training.outcome, training.detail) == ("regressed", "seed 0 diverged: non-finite loss at step 375")
    assert found(verdict, LSGAN, "psnr").outcome == "not comparable"
    assert verdict.exit_code(strict=False) == 1


def test_a_value_that_is_no_number_any_more_is_not_comparable(tmp_path: Path):
    store = made(tmp_path)
    baseline = taken(recorded(store))
    edit(store, 0, lambda result: result["metrics"]["ema"].update(psnr=None))
    verdict = check(baseline, recorded(store))
    assert found(verdict, LSGAN, "psnr").detail == "seed 0 has no value: undefined"
    assert verdict.exit_code(strict=False) == 3


def test_a_training_that_diverged_before_too_passes(tmp_path: Path):
    store = made(tmp_path, status={0: "diverged"})
    verdict = check(taken(recorded(store)), recorded(store))
    assert outcomes(verdict, LSGAN) == {"training": "pass"}
    assert verdict.exit_code(strict=True) == 0


def test_results_of_other_code_are_not_what_the_gate_is_asked_about(tmp_path: Path):
    store = made(tmp_path)
    baseline = taken(recorded(store))
    verdict = check(baseline, recorded(store, code="beefbeefbeef"))
    assert set(outcomes(verdict, LSGAN).values()) == {"not comparable"}
    assert f"made by {CODE}, and this is beefbeefbeef" in found(verdict, LSGAN, "psnr").detail
    assert verdict.exit_code(strict=False) == 3
    assert check(baseline, recorded(store, code=None)).exit_code(strict=True) == 0


def test_a_warm_start_of_other_code_spoils_the_cells_that_start_from_it(tmp_path: Path):
    store = made(tmp_path, warmup_seconds=1.0)
    baseline = taken(recorded(store))
    path = store.warmup("warm00000000").path / "result.json"
    found_there = '"id": "warm00000000", "status": "done", "step": 1, "seconds": 1.0'
    path.write_text(f'{{{found_there}, "environment": {{"fingerprint": "beef"}}}}')
    verdict = check(baseline, recorded(store))
    assert "its warm-up was made by beef" in found(verdict, LSGAN, "psnr").detail
    assert verdict.exit_code(strict=False) == 3


def test_another_device_repeats_nothing_exactly_and_another_processor_is_a_note(tmp_path: Path):
    baseline = taken(recorded(made(tmp_path / "then")))
    gpu = recorded(made(tmp_path / "gpu", environments={0: {"device": "cuda"}, 1: {"device": "cuda"}}))
    assert found(check(baseline, gpu), LSGAN, "psnr").detail == "other hardware: device cpu became cuda"
    newer = check(baseline, recorded(made(tmp_path / "new", environments={n: {"torch": "2.15.0"} for n in (0, 1)})))
    assert newer.exit_code(strict=True) == 0
    assert newer.notes == ("torch: 2.11.0 in the baseline, 2.15.0 now",)


def test_a_metric_that_the_baseline_has_no_margin_for_is_told(tmp_path: Path):
    store = made(tmp_path)
    baseline = taken(recorded(store))
    fewer = baseline.model_copy(update={"metrics": {"psnr": baseline.metrics["psnr"]}})
    verdict = check(fewer, recorded(store))
    assert outcomes(verdict, LSGAN) == {"training": "pass", "psnr": "pass"}
    assert "fd_lite0_112" in verdict.notes[0]


def test_trainings_that_end_well_and_what_no_seed_moves_decide_nothing():
    trained = Finding("arm", "training", GateOutcome.passed)
    still = Finding("arm", "bpp_bound", GateOutcome.passed, margin=0.0)
    doubt = Finding("arm", "psnr", GateOutcome.inconclusive, margin=0.4)
    held = Finding("arm", "ms_ssim", GateOutcome.passed, margin=0.01)
    assert GateResult("grid", "stat", (trained, still, doubt)).exit_code(strict=False) == 3
    assert GateResult("grid", "stat", (trained, still, doubt, held)).exit_code(strict=False) == 0
    repeated = Finding("arm", "bpp_bound", GateOutcome.passed, margin=0.0, exact=True)
    assert GateResult("grid", "exact", (trained, repeated)).exit_code(strict=False) == 0


@pytest.mark.parametrize(
    ("mode", "outcomes", "strict", "code"),
    [
        ("exact", ["pass"], False, 0),
        ("exact", [], False, 3),
        ("exact", ["pass", "improved"], False, 1),
        ("stat", ["pass", "improved"], True, 0),
        ("stat", ["pass", "inconclusive"], False, 0),
        ("stat", ["pass", "inconclusive"], True, 4),
        ("stat", ["inconclusive"], False, 3),
        ("stat", ["missing", "inconclusive"], True, 3),
        ("stat", ["regressed", "missing", "not comparable"], True, 1),
    ],
)
def test_findings_add_up_to_one_exit_code(mode: str, outcomes: list[str], strict: bool, code: int):
    verdict = GateResult(
        "grid", mode, tuple(Finding("arm", "psnr", GateOutcome(each), exact=mode == "exact") for each in outcomes)
    )
    assert verdict.exit_code(strict) == code


def test_a_metric_that_an_arm_was_trained_against_is_shown_and_gives_no_verdict(tmp_path: Path):
    store = made(tmp_path)
    edit(store, 1, lambda result: result["protocol"]["fd_lite0_112"].update(trained_against=True))
    baseline = taken(recorded(store))
    move(store, 1, "fd_lite0_112", 50.0)
    verdict = check(baseline, recorded(store))
    finding = found(verdict, HINGE, "fd_lite0_112")
    assert (finding.outcome, finding.reason) == (GateOutcome.inconclusive, Reason.taught)
    assert finding.change == pytest.approx(50.0)
    assert finding.detail.startswith("no verdict: trained against the network that measures it")
    assert set(outcomes(verdict, LSGAN).values()) == {"pass"}
    assert (verdict.exit_code(strict=False), verdict.exit_code(strict=True)) == (0, 4)
