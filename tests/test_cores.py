from __future__ import annotations

import os
from pathlib import Path

import pytest

from ablate import cores as module
from ablate.cores import cores, quota

PERIOD = "100000\n"


def groups(root: Path, membership: str, limits: dict[str, str]) -> tuple[Path, Path]:
    """Writes the files of control groups and which of them a process is in."""
    (root / "membership").write_text(membership)
    for name, text in limits.items():
        (root / "groups" / name).parent.mkdir(parents=True, exist_ok=True)
        (root / "groups" / name).write_text(text)
    return root / "groups", root / "membership"


def test_where_no_affinity_is_known_all_cores_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 6)
    monkeypatch.setattr(module, "quota", lambda: None)
    assert cores() == 6


@pytest.mark.parametrize(
    ("membership", "limits", "granted"),
    [
        ("0::/\n", {"cpu.max": "200000 100000\n"}, 2.0),
        ("0::/\n", {"cpu.max": "max 100000\n"}, None),
        ("0::/job/step\n", {"job/cpu.max": "150000 100000", "job/step/cpu.max": "max 100000"}, 1.5),
        ("0::/host/path/unseen\n", {"cpu.max": "50000 100000"}, 0.5),
        ("4:memory:/x\n3:cpu:/a\n0::/\n", {"cpu/a/cpu.cfs_quota_us": "300000", "cpu/a/cpu.cfs_period_us": PERIOD}, 3.0),
        ("3:cpu,cpuacct:/\n", {"cpu,cpuacct/cpu.cfs_quota_us": "-1", "cpu,cpuacct/cpu.cfs_period_us": PERIOD}, None),
        ("0::/\n", {}, None),
    ],
)
def test_the_tightest_limit_of_the_control_groups_is_what_they_grant(
    tmp_path: Path, membership: str, limits: dict[str, str], granted: float | None
):
    assert quota(*groups(tmp_path, membership, limits)) == granted


def test_a_machine_without_control_groups_grants_all(tmp_path: Path):
    assert quota(tmp_path / "none", tmp_path / "none") is None


@pytest.mark.parametrize(("granted", "expected"), [(None, 8), (2.0, 2), (1.5, 2), (0.1, 1), (64.0, 8)])
def test_a_container_counts_the_cores_that_it_is_given_and_not_its_hosts(
    monkeypatch: pytest.MonkeyPatch, granted: float | None, expected: int
):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: set(range(8)))
    monkeypatch.setattr(module, "quota", lambda: granted)
    assert cores() == expected
