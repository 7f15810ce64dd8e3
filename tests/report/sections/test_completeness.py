from __future__ import annotations

from pathlib import Path

from ablate.analysis import read_study
from ablate.report.evidence import Evidence
from ablate.report.sections.completeness import completeness
from tests.fabricated_store import ENVIRONMENT, Fabrication, fabricate

AXES = {"loss.lambda_x": [12.0, 48.0]}


def warnings(root: Path, environments: dict[int, dict[str, str]]) -> list[str]:
    store = fabricate(root, Fabrication(axes=AXES, environments=environments, recon=False))
    return list(completeness(Evidence(read_study(store), store)).numbers["warnings"])


def test_cells_that_ran_alike_raise_no_warning(tmp_path: Path) -> None:
    assert warnings(tmp_path, {}) == []


def test_cells_of_different_code_or_devices_are_flagged(tmp_path: Path) -> None:
    code, device = warnings(tmp_path, {1: {"fingerprint": "other"}, 2: {"device": "cuda"}})
    assert code.startswith(f"Mixed code fingerprints: {ENVIRONMENT['fingerprint']} (3 cells) and other (1 cell)")
    assert device.startswith("Mixed devices: cpu (3 cells) and cuda (1 cell)")


def test_a_plan_of_newer_code_than_the_cells_is_flagged(tmp_path: Path) -> None:
    older = {cell: {"fingerprint": "older"} for cell in range(4)}
    assert [each.split(":")[0] for each in warnings(tmp_path, older)] == ["The code has changed since"]


def test_cells_are_counted_by_status_and_exclusions_keep_their_reason(tmp_path: Path) -> None:
    excluded = [{"where": {"loss.lambda_x": 96}, "reason": "too slow", "count": 2}]
    status = {0: "pending", 1: "failed", 2: "diverged"}
    store = fabricate(tmp_path, Fabrication(axes=AXES, status=status, excluded=excluded, recon=False))
    numbers = completeness(Evidence(read_study(store), store)).numbers
    counts = {key: numbers[key] for key in ("planned", "done", "diverged", "failed", "running", "pending")}
    assert counts == {"planned": 4, "done": 1, "diverged": 1, "failed": 1, "running": 0, "pending": 1}
    assert numbers["excluded"] == excluded
