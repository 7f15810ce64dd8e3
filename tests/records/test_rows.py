import errno
import os
from pathlib import Path

import pytest

from ablate.records import rows


def test_a_torn_tail_is_dropped_and_spoils_no_later_row(tmp_path: Path):
    path = tmp_path / "metrics.jsonl"
    rows.append_row(path, {"step": 1})
    with open(path, "ab") as file:
        file.write(b'{"step": 2, "loss": {"gen')
    assert rows.read_rows(path) == [{"step": 1}]
    assert rows.last_row(path) == {"step": 1}
    rows.append_row(path, {"step": 2})
    assert rows.read_rows(path) == [{"step": 1}, {"step": 2}]
    assert rows.last_row(path) == {"step": 2}


@pytest.mark.parametrize("cut", range(1, 20))
def test_a_file_cut_at_any_byte_gives_whole_rows_only(tmp_path: Path, cut: int):
    path = tmp_path / "metrics.jsonl"
    for step in (1, 2):
        rows.append_row(path, {"step": step, "t": 0.5})
    content = path.read_bytes()
    path.write_bytes(content[:-cut])
    # Without its newline the second row is whole all the same.
    assert rows.read_rows(path) == [{"step": 1, "t": 0.5}] + [{"step": 2, "t": 0.5}] * (cut == 1)


def test_a_row_that_the_disk_took_half_is_an_error_and_is_dropped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "metrics.jsonl"
    rows.append_row(path, {"step": 1})
    write = os.write
    monkeypatch.setattr(rows.os, "write", lambda fd, data: write(fd, data[:5]))
    with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
        rows.append_row(path, {"step": 2})
    monkeypatch.undo()
    rows.append_row(path, {"step": 2})
    assert rows.read_rows(path) == [{"step": 1}, {"step": 2}]


def test_a_row_is_one_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    writes = []
    write = os.write
    monkeypatch.setattr(rows.os, "write", lambda fd, data: (writes.append(data), write(fd, data))[1])
    rows.append_row(tmp_path / "metrics.jsonl", {"step": 1, "scales": [{"accuracy_real": 1.0}] * 5})
    assert len(writes) == 1


def test_rows_are_lines_and_no_descriptor_stays_open(tmp_path: Path):
    path = tmp_path / "metrics.jsonl"
    opened = len(os.listdir("/proc/self/fd"))
    for step in range(3):
        rows.append_row(path, {"step": step, "loss": 0.5})
        rows.last_row(path)
    assert path.read_bytes() == b"".join(b'{"step":%d,"loss":0.5}\n' % step for step in range(3))
    assert len(os.listdir("/proc/self/fd")) <= opened


def test_the_last_row_of_a_long_file_is_found_from_its_end(tmp_path: Path):
    path = tmp_path / "metrics.jsonl"
    path.write_text("".join(f'{{"step": {step}}}\n' for step in range(20_000)))
    assert path.stat().st_size > 2 * rows.TAIL_BYTES
    assert rows.last_row(path) == {"step": 19_999}


def test_a_file_that_is_not_there_has_no_rows(tmp_path: Path):
    assert rows.read_rows(tmp_path / "none.jsonl") == []
    assert rows.last_row(tmp_path / "none.jsonl") is None


def test_the_row_of_a_diverging_step_is_kept_with_null_for_what_is_not_finite(tmp_path: Path):
    path = tmp_path / "metrics.jsonl"
    rows.append_row(path, {"step": 1, "loss": {"generator": float("nan")}, "scales": [{"logit": float("-inf")}]})
    assert rows.read_rows(path) == [{"step": 1, "loss": {"generator": None}, "scales": [{"logit": None}]}]
