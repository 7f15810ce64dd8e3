"""Jobs on two Ray nodes of this machine: pretended trainings, with lost processes, machines and runners."""

import json
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ablate.execute.ray_cluster import Need
from ablate.records import Execution
from ablate.store import Store
from tests.execute.pretend import make_plan, run_pretended
from tests.execute.processes import PythonProcess, eventually
from tests.execute.ray_nodes import RayNodes

pytest.importorskip("ray", reason="the extra ray is not installed")
PATIENCE = 240


@pytest.fixture(scope="module")
def nodes() -> Iterator[RayNodes]:
    nodes = RayNodes()
    try:
        nodes.join()
        yield nodes
    finally:
        nodes.end()


@pytest.fixture
def start(nodes: RayNodes, tmp_path: Path) -> Iterator[Callable[..., PythonProcess]]:
    runners: list[PythonProcess] = []

    def starter(*behaviours: str, steps: int = 10, **settings: object) -> PythonProcess:
        execution = json.dumps({"executor": "ray", "workers": "auto"} | settings)
        program = ("-m", "tests.execute.pretended_runner", str(tmp_path), str(steps), *behaviours)
        runners.append(PythonProcess(*program, **nodes.environment, PRETENDED_EXECUTION=execution))
        return runners[-1]

    yield starter
    for runner in runners:
        runner.end()


def entries(root: Path, *behaviours: str, steps: int = 10):
    plan = make_plan(*behaviours, steps=steps)
    return [Store(root, plan.name).cell(point.id) for point in plan.points]


def test_what_fails_is_recorded_and_what_is_lost_is_tried_again(tmp_path: Path, start):
    behaviours = ("well", "raise:broken thing", "die", "diverge")
    runner = start(*behaviours)
    assert runner.code(PATIENCE) == 3, runner.lines
    found = entries(tmp_path, *behaviours)
    assert [entry.status().value for entry in found] == ["done", "failed", "done", "diverged"]
    assert [len(entry.attempts()) for entry in found] == [1, 1, 2, 1]
    assert found[1].last_attempt().exit().error == "ValueError: broken thing"
    lost = found[2].attempts()[0].exit()
    assert lost.error == f"its process on {os.uname().nodename} was lost (WorkerCrashedError)"
    assert any("it is tried again (1 of 3)" in line for line in runner.lines)
    assert all(entry.environment().cores and entry.environment().cells_at_once == 1 for entry in found)


def test_what_no_node_has_room_for_is_refused_with_what_there_is(tmp_path: Path, start):
    runner = start("well", threads=2)
    assert runner.code(PATIENCE) == 1
    host = os.uname().nodename
    assert (
        f"no node of the Ray cluster has room for a cell, which takes 2 CPUs: {host} has 1 CPU and 0 GPUs; {host} has "
        "1 CPU and 0 GPUs" in runner.lines[-1]
    )
    assert list(tmp_path.iterdir()) == [], "nothing was written"


def test_a_stop_saves_the_state_a_killed_run_ends_its_tasks_and_a_lost_node_is_done_without(
    tmp_path: Path, nodes: RayNodes, start
):
    behaviours, steps = ("wait", "wait"), 500
    found = entries(tmp_path, *behaviours, steps=steps)

    def under_way(attempt: int) -> Callable[[], bool]:
        return lambda: all(len(each.attempts()) >= attempt and each.last_attempt().start() for each in found)

    runner = start(*behaviours, steps=steps)
    eventually(under_way(1), "nothing was begun", PATIENCE)
    runner.process.send_signal(signal.SIGTERM)
    assert runner.code(PATIENCE) == 130, runner.lines
    assert [entry.last_attempt().exit().status for entry in found] == ["interrupted"] * 2
    assert not list(tmp_path.rglob(".stop*"))

    runner = start(*behaviours, steps=steps)
    eventually(under_way(2), "nothing was resumed", PATIENCE)
    tasks = [entry.last_attempt().start().pid for entry in found]
    runner.process.kill()
    eventually(lambda: not any(Path(f"/proc/{pid}").exists() for pid in tasks), "a task outlived its runner")

    runner = start(*behaviours, steps=steps)
    eventually(under_way(3), "nothing was resumed", PATIENCE)
    nodes.nodes[0].end()
    assert runner.code(PATIENCE) == 0, runner.lines
    assert any("was lost (" in line and "it is tried again (1 of 3)" in line for line in runner.lines)
    for entry in found:
        assert [row.step for row in entry.metrics()] == list(range(1, steps + 1))
    assert sorted(len(entry.attempts()) for entry in found) == [3, 4]


def test_where_no_cluster_is_it_is_said_how_to_start_one(tmp_path: Path):
    with pytest.raises(
        ValueError, match=r"no Ray cluster answers at 127.0.0.1:1: .*refused\nstart one with `ray start"
    ):
        run_pretended(make_plan("well"), tmp_path / "runs", settings={"executor": "ray", "address": "127.0.0.1:1"})
    with pytest.raises(ValueError, match=r"ray://a:10001 is for Ray Client; start the run on a machine of"):
        run_pretended(make_plan("well"), tmp_path / "runs", settings={"executor": "ray", "address": "ray://a:10001"})
    assert not (tmp_path / "runs").exists()


def node(**resources: float) -> dict:
    return {"NodeManagerHostname": "a", "Resources": resources}


@pytest.mark.parametrize(
    ("execution", "resources", "need", "room"),
    [
        ({}, {"CPU": 4.0}, "1 CPU", 4),
        ({"threads": 3}, {"CPU": 4.0}, "3 CPUs", 1),
        ({}, {"CPU": 16.0, "GPU": 4.0}, "4 CPUs and 1 GPU", 4),
        ({"cells_per_gpu": 3}, {"CPU": 64.0, "GPU": 2.0}, "8 CPUs and 0.3333 GPU", 6),
        ({"device": "cpu"}, {"CPU": 16.0, "GPU": 4.0}, "1 CPU", 16),
        ({"device": "cuda"}, {"CPU": 16.0}, "8 CPUs and 1 GPU", 0),
    ],
)
def test_a_cell_takes_threads_and_a_part_of_a_gpu(execution: dict, resources: dict, need: str, room: int):
    found = Need.of(Execution(**execution), [node(**resources)])
    assert (str(found), found.room(node(**resources))) == (need, room)
