from __future__ import annotations

from pathlib import Path

import pytest

from ablate.analysis import read_study
from ablate.report.document import Text
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


def test_cells_of_one_code_are_pooled_and_newer_code_of_the_plan_is_noted(tmp_path: Path) -> None:
    older = {cell: {"fingerprint": "older"} for cell in range(4)}
    store = fabricate(tmp_path, Fabrication(axes=AXES, environments=older, recon=False))
    section = completeness(Evidence(read_study(store), store))
    assert section.numbers["warnings"] == []
    (note,) = [block.plain for block in section.blocks if isinstance(block, Text) and block.kind == "note"]
    planned = ENVIRONMENT["fingerprint"]
    assert note == f"All cells ran with code older, and the plan was last written with {planned}."


def test_cells_are_counted_by_status_and_exclusions_keep_their_reason(tmp_path: Path) -> None:
    excluded = [{"where": {"loss.lambda_x": 96}, "reason": "too slow", "count": 2}]
    status = {0: "pending", 1: "failed", 2: "diverged"}
    store = fabricate(tmp_path, Fabrication(axes=AXES, status=status, excluded=excluded, recon=False))
    numbers = completeness(Evidence(read_study(store), store)).numbers
    counts = {key: numbers[key] for key in ("planned", "done", "diverged", "failed", "running", "pending")}
    assert counts == {"planned": 4, "done": 1, "diverged": 1, "failed": 1, "running": 0, "pending": 1}
    assert numbers["excluded"] == excluded


@pytest.mark.parametrize(
    ("fact", "value", "said"),
    [("patch", 32, ["FD-Lite0-112 (patch: 64 and 32)"]), ("trained_against", True, [])],
)
def test_figures_that_were_measured_otherwise_are_flagged_and_no_other_facts(
    tmp_path: Path, fact: str, value: object, said: list[str]
) -> None:
    store = fabricate(tmp_path, Fabrication(axes=AXES, recon=False))
    study = read_study(store)
    study.cells[1].result.protocol["fd_lite0_112"][fact] = value
    found = list(completeness(Evidence(study, store)).numbers["warnings"])
    assert found == [f"Cells were measured in different ways: {each}. Such figures do not compare." for each in said]
