from __future__ import annotations

import resource
from pathlib import Path

import pytest

from ablate.memory import available

MACHINE = "MemTotal: 9000 kB\nMemAvailable: 4000 kB\n"
STAT = "inactive_file 700\ntotal_inactive_file 300\n"


@pytest.mark.parametrize(
    ("membership", "files", "free"),
    [
        ("0::/\n", {}, 4_096_000),
        ("0::/\n", {"memory.max": "max\n", "memory.current": "5000\n", "memory.stat": STAT}, 4_096_000),
        ("0::/a\n", {"a/memory.max": "9000\n", "a/memory.current": "5000\n", "a/memory.stat": STAT}, 4700),
        ("0::/a\n", {"memory.max": "100\n", "memory.current": "5000\n", "memory.stat": "x 1\n"}, 0),
        (
            "4:memory:/a\n",
            {
                "memory/a/memory.limit_in_bytes": "9000",
                "memory/a/memory.usage_in_bytes": "5000",
                "memory/a/memory.stat": STAT,
            },
            4300,
        ),
    ],
)
def test_what_is_free_is_the_machines_or_what_a_control_group_leaves(
    tmp_path: Path, membership: str, files: dict[str, str], free: int
) -> None:
    (tmp_path / "meminfo").write_text(MACHINE)
    (tmp_path / "membership").write_text(membership)
    for name, text in files.items():
        (tmp_path / "groups" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "groups" / name).write_text(text)
    assert available(tmp_path / "meminfo", tmp_path / "groups", tmp_path / "membership") == free


def test_there_is_some_here() -> None:
    assert available() > 1 << 20


def test_a_limit_on_the_address_space_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    monkeypatch.setattr(resource, "getrlimit", lambda _kind: (used + (64 << 20), 0))
    assert available() <= 64 << 20
