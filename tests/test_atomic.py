import errno
import os
import stat
from pathlib import Path

import pytest

from ablate import atomic


def test_a_full_disk_leaves_the_old_content_and_no_temporary_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "result.json"
    atomic.write_json(path, {"old": 1})

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(atomic.os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        atomic.write_json(path, {"new": 2})
    assert atomic.read_json(path) == {"old": 1}
    assert os.listdir(tmp_path) == ["result.json"]


def test_a_writer_that_fails_half_way_leaves_nothing(tmp_path: Path):
    def half(file) -> None:
        file.write(b"half")
        raise OSError(errno.ENOSPC, "full")

    with pytest.raises(OSError, match="full"):
        atomic.write_with(tmp_path / "deep" / "checkpoint.pt", half)
    assert os.listdir(tmp_path / "deep") == []


def test_a_link_that_leads_nowhere_or_to_itself_is_replaced(tmp_path: Path):
    for name, target in (("itself", "itself"), ("nowhere", "gone")):
        (tmp_path / name).symlink_to(target)
        atomic.write_bytes(tmp_path / name, b"content")
        assert (tmp_path / name).read_bytes() == b"content"
        assert not (tmp_path / name).is_symlink()


def test_the_content_is_durable_before_the_name_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    calls = []
    fsync, replace = os.fsync, os.replace

    def synced(descriptor: int) -> None:
        is_file = stat.S_ISREG(os.fstat(descriptor).st_mode)
        calls.append(f"content of {os.fstat(descriptor).st_size} bytes" if is_file else "names")
        fsync(descriptor)

    monkeypatch.setattr(atomic.os, "fsync", synced)
    monkeypatch.setattr(atomic.os, "replace", lambda a, b: (calls.append("replace"), replace(a, b)))
    opened = len(os.listdir("/proc/self/fd"))
    atomic.write_bytes(tmp_path / "a", b"content")
    assert calls == ["content of 7 bytes", "replace", "names"]
    assert len(os.listdir("/proc/self/fd")) <= opened


def test_the_directories_above_are_made_however_many(tmp_path: Path):
    path = tmp_path / "runs" / "grid" / "plan.json"
    atomic.write_json(path, {"cells": 2})
    assert path.read_bytes() == b'{\n "cells": 2\n}\n'


def test_nan_is_refused_and_nothing_is_written(tmp_path: Path):
    with pytest.raises(ValueError, match="JSON"):
        atomic.write_json(tmp_path / "a.json", {"psnr": float("nan")})
    assert os.listdir(tmp_path) == []


def test_a_file_that_is_not_json_is_named(tmp_path: Path):
    (tmp_path / "plan.json").write_text("{")
    with pytest.raises(ValueError, match=r"plan\.json is not JSON"):
        atomic.read_json(tmp_path / "plan.json")


def test_a_file_of_nothing_but_null_is_named_and_is_not_taken_for_none(tmp_path: Path):
    (tmp_path / "figures.json").write_text("null\n")
    with pytest.raises(ValueError, match=r"figures\.json holds nothing but null"):
        atomic.read_json(tmp_path / "figures.json")
    assert atomic.read_json(tmp_path / "none.json") is None


def test_sweep_deletes_only_what_a_killed_writer_left(tmp_path: Path):
    (tmp_path / "eval").mkdir()
    (tmp_path / "eval" / ".images.csv.77-aa.tmp").touch()
    (tmp_path / "images.tmp").touch()
    atomic.sweep(tmp_path)
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["eval", "images.tmp"]


def test_what_a_killed_writer_left_an_hour_ago_is_deleted_and_what_another_writes_now_is_not(tmp_path: Path):
    path = tmp_path / "hashes.json"
    for name, age in (("1-a", 2 * atomic.LEFT_SECONDS), ("2-b", 0)):
        left = tmp_path / f".hashes.json.{name}.tmp"
        left.touch()
        os.utime(left, (left.stat().st_mtime - age,) * 2)
    (tmp_path / ".other.json.3-c.tmp").touch()
    os.utime(tmp_path / ".other.json.3-c.tmp", (0, 0))
    atomic.write_json(path, {})
    assert sorted(os.listdir(tmp_path)) == [".hashes.json.2-b.tmp", ".other.json.3-c.tmp", "hashes.json"]
