from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from ablate.sources import digest as digest_module
from ablate.sources.digest import digest, hash_files
from tests.images import fabricated


@pytest.fixture
def settled(tmp_path: Path) -> Path:
    """A file that was last changed long ago."""
    path = tmp_path / "a.png"
    path.write_bytes(b"one")
    os.utime(path, (1, 1))
    return path


def test_a_digest_stands_for_names_contents_and_order_but_not_for_places() -> None:
    a, b = fabricated("a", "0" * 64, place="/x/a"), fabricated("b", "1" * 64)
    assert digest([a, b]) == digest([fabricated("a", "0" * 64, place="/y/a"), b])
    different = [[b, a], [a], [a, fabricated("b", "2" * 64)], [a, fabricated("c", b.sha256)]]
    assert len({digest(files) for files in [[a, b], *different]}) == 5


def test_an_unchanged_file_is_read_once(settled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = settled.parent / "cache"
    (first,) = hash_files([("a", settled)], cache)
    assert first.sha256 == hashlib.sha256(b"one").hexdigest()
    monkeypatch.setattr(digest_module, "file_sha256", lambda path: pytest.fail(f"{path} was read again"))
    assert hash_files([("a", settled)], cache) == (first,)


@pytest.mark.parametrize("stamp", [(1, 1), (2, 2)])
def test_a_file_of_another_size_or_time_is_read_again(settled: Path, stamp: tuple[int, int]) -> None:
    cache = settled.parent / "cache"
    hash_files([("a", settled)], cache)
    settled.write_bytes(b"three" if stamp == (1, 1) else b"two")
    os.utime(settled, stamp)
    (file,) = hash_files([("a", settled)], cache)
    assert file.sha256 == hashlib.sha256(settled.read_bytes()).hexdigest()


def test_a_file_that_just_changed_is_not_remembered(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"one")
    hash_files([("a", path)], tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


def test_hashing_leaves_no_temporary_file(settled: Path) -> None:
    hash_files([("a", settled)], settled.parent / "cache")
    assert [path.name for path in (settled.parent / "cache").iterdir()] == ["hashes.json"]


def test_the_cache_is_replaced_from_beside_it_so_that_no_reader_sees_a_part(
    settled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    moves = []
    replace = os.replace
    monkeypatch.setattr(os, "replace", lambda a, b: (moves.append((a, b)), replace(a, b)))
    cache = settled.parent / "runs" / "cache"
    hash_files([("a", settled)], cache)
    ((source, target),) = moves
    assert (Path(source).parent, target) == (cache, cache / "hashes.json")


@pytest.mark.parametrize(
    "content", [b"{", b"", b"[]", b"null", b'{"a": 3}', b'{"a": [1, 2]}', b'{"a": [1, 2, 3]}', b"\xff\xfe"]
)
def test_a_damaged_hash_cache_is_made_anew(settled: Path, tmp_path: Path, content: bytes) -> None:
    expected = hash_files([("a", settled)], tmp_path / "whole")
    (settled.parent / "hashes.json").write_bytes(content)
    assert hash_files([("a", settled)], settled.parent) == expected
    assert (settled.parent / "hashes.json").read_bytes() == (tmp_path / "whole" / "hashes.json").read_bytes()
