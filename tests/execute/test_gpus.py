"""Several GPUs on one machine, which are pretended: workers see one each, and compute nothing."""

import subprocess
from collections import Counter
from multiprocessing import forkserver
from pathlib import Path

import pytest

from ablate.execute.capacity import Capacity
from ablate.execute.gpu_memory import CONTEXT_BYTES, FRAGMENTS, Room, ask_driver
from ablate.execute.local import LocalExecutor
from ablate.store import Store
from tests.execute.pretend import Notes, make_plan, run_pretended

GIB = 1 << 30
NEEDED = int(GIB * FRAGMENTS) + CONTEXT_BYTES


def known(gpus: int, workers: int, ask):
    """Returns an executor on GPUs that are pretended, which knows that a cell has a GiB of tensors."""

    def make(context) -> LocalExecutor:
        made = LocalExecutor(context, Capacity("pretended", workers, 1, gpus=gpus), ask)
        made._room.learn(GIB)
        return made

    return make


def places(plan, root: Path) -> list[str]:
    """Returns the GPU that each cell ran on."""
    entries = [Store(root, plan.name).cell(point.id) for point in plan.points]
    return [line for entry in entries for line in entry.last_attempt().log_tail(5) if line.startswith("on GPU")]


@pytest.fixture(autouse=True)
def visible(monkeypatch: pytest.MonkeyPatch):
    """Hides no GPU from workers; a fork server that runs already would keep the environment that it began with."""
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    forkserver._forkserver._stop()
    yield
    forkserver._forkserver._stop()


def test_cells_are_spread_over_gpus_and_as_many_run_on_each_as_are_wanted(tmp_path: Path):
    plan = make_plan(*["crowd:4"] * 4, warmup=False)  # each waits until all four run
    assert run_pretended(plan, tmp_path, executor=known(2, 4, lambda: [80 * GIB] * 2)) == 0
    assert Counter(places(plan, tmp_path)) == {"on GPU 0": 2, "on GPU 1": 2}


def test_a_gpu_whose_memory_another_program_holds_gets_no_cell(tmp_path: Path):
    plan = make_plan(*["well"] * 4, warmup=False, steps=4)
    assert run_pretended(plan, tmp_path, executor=known(2, 2, lambda: [GIB, 80 * GIB])) == 0
    assert places(plan, tmp_path) == ["on GPU 1"] * 4


def test_a_run_waits_for_memory_says_so_and_goes_on_once_there_is_some(tmp_path: Path, monkeypatch):
    monkeypatch.setattr("ablate.execute.gpu_memory.ASK_SECONDS", 0.1)
    answers = iter([[GIB], [GIB], [GIB]])
    plan, notes = make_plan("well", warmup=False, steps=4), Notes()
    executor = known(1, 1, lambda: next(answers, [80 * GIB]))
    assert run_pretended(plan, tmp_path, notes, executor=executor) == 0
    (said,) = [text for text in notes.messages if "waiting for memory" in text]
    assert "needs 1.8 GiB, free: GPU 0 1.0" in said


def test_the_first_cell_starts_on_what_nobody_knows_and_a_second_waits_until_it_is_known(tmp_path: Path):
    room = Room(1, None, lambda: [10 * GIB])
    assert room.for_another(0, running=0)
    assert not room.for_another(0, running=1)
    room.learn(GIB)
    assert room.needed == NEEDED
    assert room.for_another(0, running=1)
    for _ in range(5):
        room.taken(0)
    assert not room.for_another(0, running=1), "what was started has not taken its memory yet, and will"
    assert Room(1, GIB, lambda: None).for_another(0, running=0), "a driver that says nothing holds nobody up"


def test_the_driver_is_asked_for_the_gpus_that_are_visible(monkeypatch: pytest.MonkeyPatch):
    said = "0, GPU-aa, 1000\n1, GPU-bb, 2000\n2, GPU-cc, 3000\n"
    monkeypatch.setattr(subprocess, "run", lambda command, **_: subprocess.CompletedProcess(command, 0, said, ""))
    assert ask_driver() == [mib << 20 for mib in (1000, 2000, 3000)]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,GPU-aa")
    assert ask_driver() == [3000 << 20, 1000 << 20]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "7")
    assert ask_driver() is None
