"""A small sample of each kind of torture, in every test run; `pytest -m torture` runs a tenth of it all."""

from __future__ import annotations

import itertools
import random
from collections.abc import Generator, Iterable, Iterator
from pathlib import Path

import pytest

from tests.torture import bitstreams, clock, full_disk, grids, images, limits, store_files
from tests.torture.__main__ import PARTS, Request, main
from tests.torture.children import Children
from tests.torture.page import commit
from tests.torture.tally import Tally


@pytest.fixture(scope="module")
def children() -> Iterator[Children]:
    with Children() as started:
        yield started


def bear(rounds: Iterable[Tally]) -> Tally:
    """Goes through the rounds, and fails where they found a fault."""
    found = Tally()
    for tally in rounds:
        found.join(tally)
    assert not found.faults, "\n\n".join(found.faults)
    assert found.done
    return found


def test_mutated_grids_are_read_or_refused(tmp_path: Path) -> None:
    assert bear(grids.rounds(tmp_path, 50, 3)).done == 50


def test_damaged_files_of_a_codec_are_refused_or_the_same_image() -> None:
    longest = [max(files, key=len) for _, files in bitstreams.codecs().values()]
    assert bear(bitstreams.rounds(20, 4)).done == sum(2 * 20 + 255 * len(file) for file in longest)


def test_damaged_images_are_refused_or_read_as_a_second_decoder_reads_them() -> None:
    bear(images.rounds(25, 5))


def test_damaged_files_of_a_store_are_named_and_never_read_in_silence(tmp_path: Path, children: Children) -> None:
    torture = store_files.Torture.prepare(tmp_path, children)
    assert bear(store_files.rounds(torture, 5, 6, slow_every=0)).done == 5


def test_a_disk_that_fills_up_loses_nothing(tmp_path: Path, children: Children) -> None:
    bear(itertools.islice(full_disk.rounds(tmp_path, children, every=200), 1, 5))


@pytest.mark.parametrize("part", [limits, clock])
def test_limits_and_a_wrong_clock_are_borne(part, tmp_path: Path, children: Children) -> None:
    bear(itertools.islice(part.rounds(tmp_path, children), 4))


def test_a_fault_would_be_found_counted_and_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def rounds(wanted: Request) -> Generator[Tally]:
        tally = Tally()
        tally.fault("a case, damaged", "other figures in silence")
        tally.count("a case, damaged", "refused")
        yield tally

    monkeypatch.setitem(PARTS, "grids", rounds)
    assert main(["grids", "--scale", "0.5", "--out", str(tmp_path)]) == 1
    page = (tmp_path / "README.md").read_text()
    assert "| a case | 1 | 1 |" in page
    assert f"`python -m tests.torture grids --scale 0.5 --seed 0` at commit {commit()}: 2 cases in 0 minutes" in page


def test_a_child_that_hangs_or_dies_is_a_fault(children: Children) -> None:
    assert children.call("time:sleep", 60, patience=0.2).code is None
    assert children.call("os:abort").is_fault
    assert children.call("tests.torture.children:command", "status", "--nonsense").code == 2


@pytest.mark.torture
@pytest.mark.timeout(0)
@pytest.mark.parametrize("name", list(PARTS))
def test_a_tenth_of_everything(name: str, tmp_path: Path) -> None:
    bear(PARTS[name](Request(tmp_path, 0.1, random.randrange(1000))))
