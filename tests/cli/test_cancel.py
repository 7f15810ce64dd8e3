import threading
from pathlib import Path

from ablate.store import Status, Store
from tests.execute.pretend import Notes, make_plan, run_pretended
from tests.execute.processes import eventually


def test_a_cell_that_is_cancelled_saves_its_state_the_others_go_on_and_the_next_run_resumes_it(ablate_in):
    plan, notes = make_plan("wait", "well", "well", "well", warmup=False, steps=40), Notes()
    store = Store(Path("runs").absolute(), plan.name)
    waiting, pending = (store.cell(plan.points[number].id) for number in (0, 3))

    def cancel() -> None:
        eventually(lambda: (row := waiting.last_row()) and row.step == 20, "never half-way")
        said.append(ablate_in("cancel", plan.points[0].label, f"{plan.name}:{pending.id[:8]}"))

    said: list = []
    # The last cell is pending while its only worker waits for the first one's end.
    waiter = threading.Thread(target=cancel)
    waiter.start()
    code = run_pretended(plan, store.root, notes, workers=1)
    waiter.join()
    assert said[0].exit_code == 0, said[0].output
    assert "saves its state and ends" in said[0].output
    assert "is left out by the runs that are under way" in said[0].output
    assert code == 3
    assert [store.cell(point.id).status() for point in plan.points] == [
        Status.pending, Status.done, Status.done, Status.pending
    ]  # fmt: skip
    end = waiting.last_attempt().exit()
    assert (end.status, end.step, end.error) == (Status.interrupted, 20, "it was cancelled")
    assert notes.ends["wait seed=0"].cause == "it was cancelled"
    assert run_pretended(plan, store.root) == 0
    assert waiting.last_attempt().log_tail(1) == ["at 20 of 40, wait"]


def test_a_finished_cell_cannot_be_cancelled(ablate_in):
    plan = make_plan("well", warmup=False)
    run_pretended(plan, Path("runs").absolute())
    refused = ablate_in("cancel", plan.points[0].id)
    assert refused.exit_code == 2
    assert "is done: there is no training to end" in refused.stderr
