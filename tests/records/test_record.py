"""Records are checked when they are read: content, schema, identity, finite numbers; and keep what they do not know."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from ablate.records import (
    AttemptEnd,
    Environment,
    MetricRow,
    PlanRecord,
    RecordError,
    Result,
    Status,
    read,
    write,
)
from ablate.store import Store
from tests.fabricated_store import Fabrication, fabricate

RESULT = {
    "schema": 1, "id": "0123456789ab", "status": "done", "step": 7, "cause": None, "seconds": 2.5,
    "metrics": {"ema": {"psnr": 24.5, "levels_used": 5, "ms_ssim": None}},
    "protocol": {"psnr": {"pictures": "abcd"}}, "environment": {"torch": "2.11.0", "fingerprint": "f00d"},
    "artefacts": {},
}  # fmt: skip


def written(directory: Path, content: str) -> Path:
    path = directory / "result.json"
    path.write_text(content)
    return path


def test_a_record_that_was_read_is_written_as_it_was(tmp_path: Path) -> None:
    path = written(tmp_path, json.dumps(RESULT))
    record = read(Result, path)
    assert record is not None
    write(tmp_path / "again.json", record)
    again = json.loads((tmp_path / "again.json").read_text())
    assert {key: value for key, value in again.items() if key not in ("seal", "sealed")} == RESULT


def test_keys_of_a_later_version_are_kept(tmp_path: Path) -> None:
    later = RESULT | {"energy_joules": 12.0}
    record = read(Result, written(tmp_path, json.dumps(later)))
    assert record is not None
    assert record.plain() == later


def test_a_count_stays_a_whole_number() -> None:
    assert repr(Result.model_validate(RESULT).score("levels_used")) == "5"


def test_there_is_no_record_where_there_is_no_file(tmp_path: Path) -> None:
    assert read(Result, tmp_path / "result.json") is None


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "it is not JSON"),
        (json.dumps(RESULT)[:-30], "it is not JSON"),
        ("[]", "found: "),
        ("{}", "it has no id"),
        (json.dumps({key: value for key, value in RESULT.items() if key != "step"}), "it has no step"),
        (json.dumps(RESULT | {"schema": 2}), r"schema: input should be 1 \(found: 2\)"),
        (json.dumps(RESULT | {"status": "finished"}), r"status: .*'done'.*found: 'finished'"),
        (json.dumps(RESULT | {"seconds": "long"}), r"seconds: .*found: 'long'"),
        (json.dumps(RESULT).replace("24.5", "NaN"), "the number NaN, which is not finite"),
        (json.dumps(RESULT).replace("24.5", "-Infinity"), "the number -Infinity, which is not finite"),
        (json.dumps(RESULT).replace("24.5", "1e999"), "the number 1e999, which is not finite"),
        (json.dumps(RESULT).replace('"abcd"', "NaN"), "the number NaN, which is not finite"),
    ],
    ids=["empty", "cut", "list", "no-keys", "no-step", "schema", "status", "type", "nan", "infinite", "huge", "inside"],
)
def test_what_is_no_result_is_refused_with_path_reason_and_remedy(tmp_path: Path, content: str, said: str) -> None:
    path = written(tmp_path, content)
    with pytest.raises(RecordError, match=said) as error:
        read(Result, path)
    assert str(path) in str(error.value)
    assert "delete the entry's directory and run the grid again" in str(error.value)


def test_a_text_that_only_looks_like_a_number_is_no_reason_to_refuse(tmp_path: Path) -> None:
    named = RESULT | {"cause": "NaN at 1e+300, Infinity beyond"}
    assert read(Result, written(tmp_path, json.dumps(named))) is not None


def test_the_record_of_another_entry_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, json.dumps(RESULT))
    assert read(Result, path, "0123456789ab") is not None
    with pytest.raises(RecordError, match="is the record of 0123456789ab, and ba9876543210 is expected"):
        read(Result, path, "ba9876543210")


def test_a_record_that_is_not_finite_is_not_made() -> None:
    with pytest.raises(ValidationError):
        Result.model_validate(RESULT | {"metrics": {"ema": {"psnr": float("nan")}}})


def test_a_row_of_a_diverging_step_keeps_what_is_finite() -> None:
    row = MetricRow(step=3, attempt=1, loss={"generator": float("inf"), "distortion": 0.25})
    assert row.loss == {"generator": None, "distortion": 0.25}


def test_facts_are_added_to_an_environment_and_found_by_their_stored_names() -> None:
    environment = Environment(device="cuda").noting(cudnn=91002, gpu="H100")
    assert environment.plain() == {"device": "cuda", "cudnn": 91002, "gpu": "H100"}
    assert (environment.fact("cudnn"), environment.gpu, environment.fact("absent")) == (91002, "H100", None)


def test_only_an_attempt_is_ever_interrupted() -> None:
    assert AttemptEnd(status=Status.interrupted, step=3, seconds=1.0).status is Status.interrupted
    with pytest.raises(ValidationError):
        Result.model_validate(RESULT | {"status": "interrupted"})


@pytest.mark.parametrize(
    ("damage", "status"), [("cut", Status.altered), ("empty", Status.broken), ("other", Status.altered)]
)
def test_one_damaged_cell_is_named_and_hides_no_other(tmp_path: Path, damage: str, status: Status) -> None:
    store = fabricate(tmp_path, Fabrication(axes={"loss.lambda_x": [12.0, 48.0]}, recon=False))
    plan = store.plan()
    assert plan is not None
    first, second = (store.cell(point.id).path / "result.json" for point in plan.points[:2])
    contents = {"cut": first.read_bytes()[:200], "empty": b"", "other": second.read_bytes()}
    first.write_bytes(contents[damage])
    damaged, *others = store.cell_records(plan)
    assert (damaged.status, damaged.result) == (status, None)
    assert str(first) in str(damaged.cause)
    assert {cell.status for cell in others} == {Status.done}
    assert all(cell.score("psnr") is not None for cell in others)


def test_a_plan_from_before_arms_were_named_names_them_by_their_labels(tmp_path: Path) -> None:
    store = fabricate(tmp_path, Fabrication(seeds=(0, 1), recon=False, aa=True))
    plan = store.plan()
    assert plan is not None
    assert {point.arm for point in plan.points} == {""}
    assert set(plan.arm_names.values()) == {
        f"adversarial={loss} scales={scales} lambda_x={weight}"
        for loss in ("vanilla", "lsgan", "hinge")
        for scales in (1, 3)
        for weight in (12, 48)
    }


def test_a_plan_of_another_schema_is_refused(tmp_path: Path) -> None:
    store = Store(tmp_path, "grid")
    store.path.mkdir()
    (store.path / "plan.json").write_text(json.dumps({"schema": 9, "name": "grid"}))
    with pytest.raises(RecordError, match=r"schema: input should be 1 .*`ablate run` writes it anew"):
        store.plan()


def test_what_a_plan_does_not_declare_has_the_defaults_of_a_grid_file() -> None:
    plan = PlanRecord(name="grid", grid_sha256="", data_stat="", axes={}, points=())
    assert (plan.compare.rate_match, plan.compare.alpha, plan.compare.correction) == ("within:1%", 0.05, "holm")
    assert (plan.budget.max_consecutive_failures, plan.execution.kernels) == (3, "auto")
