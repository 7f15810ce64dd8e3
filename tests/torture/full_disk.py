"""The disk full, or failing once, at every write of a warm-up and a cell: afterwards it goes on as if nothing was.

At each write the process must end in an orderly way; every command must be able to look at what it left; and once there
is space, the run must come to the same bits.
"""

from __future__ import annotations

import errno
import json
import random
import shutil
from collections.abc import Generator
from pathlib import Path
from typing import Any

from ablate.execute.worker import DISK_FULL, UNUSABLE
from tests.execute.outcomes import differences, outcome, torn
from tests.torture.children import Children
from tests.torture.small_store import NOTHING_LEFT, do_next_job, write_inputs
from tests.torture.tally import Tally

LOOKS = (("status",), ("show",))
MODES = ("full_from", "failing")


def do_jobs(grid: str, runs: str) -> int:
    """Does a warm-up and one cell in this process, each once."""
    for _ in range(2):
        try:
            status = do_next_job(grid, runs)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EIO):
                return DISK_FULL  # a command says it in a sentence
            raise
        if status:
            return 0 if status == NOTHING_LEFT else status
    return 0


def rounds(directory: Path, children: Children, *, every: int = 1) -> Generator[Tally]:
    """Fails every n-th of the writes in turn, and yields what came of each."""
    grid, count_file = write_inputs(directory), directory / "count"
    grid.write_text(grid.read_text().replace('["lsgan", "hinge", "wgan"]', '["lsgan"]').split("[compare]")[0])
    peaceful = directory / "peaceful"
    ended = _run(children, grid, peaceful, count_file)
    assert ended.code == 0, ended.output
    expected, writes = outcome(peaceful), int(count_file.read_text())
    numbers = list(range(0, writes, every))
    random.Random(0).shuffle(numbers)  # so that those which are tried first are of every kind
    for number in numbers:
        for mode in MODES:
            tally = Tally()
            _try_one(children, grid, directory / "failing", count_file, mode, number, expected, tally)
            yield tally


def _run(children: Children, grid: Path, runs: Path, count_file: Path, **disk: int) -> Any:
    runs.mkdir(exist_ok=True)
    install = ("tests.torture.failing_disk:install", str(runs), str(count_file), *(disk.get(mode) for mode in MODES))
    return children.call("tests.torture.full_disk:do_jobs", str(grid), str(runs), before=[install])


def _try_one(
    children: Children, grid: Path, runs: Path, count_file: Path, mode: str, number: int, expected: Any, tally: Tally
) -> None:  # fmt: skip
    shutil.rmtree(runs, ignore_errors=True)
    case, told = mode, f"write {number}"
    ended = _run(children, grid, runs, count_file, **{mode: number})
    if ended.is_fault or ended.code not in (0, DISK_FULL, UNUSABLE):
        tally.fault(case, f"{told}: ended with {ended.code}: {ended.output[-1500:]}")
        return
    for look in LOOKS:
        seen = children.command(*look, grid, "--runs-dir", runs)
        if seen.is_fault:
            tally.fault(case, f"{told}: afterwards {look[0]} ended with {seen.code}: {seen.output[-1500:]}")
            return
    unnoticed = outcome(runs) == expected
    again = children.call("tests.torture.full_disk:do_jobs", str(grid), str(runs))
    wrong = differences(json.loads(json.dumps(expected)), json.loads(json.dumps(outcome(runs))))
    wrong += torn(runs)
    if again.code or wrong:
        tally.fault(case, f"{told}: did not come to the same: {again.code} {wrong[:5]} {again.output[-1500:]}")
    else:
        tally.count(case, "not noticed, the same bits" if unnoticed else "went on to the same bits")
