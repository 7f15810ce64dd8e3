import time

import pytest

import ablate.bench.session
from ablate.bench.case import Shape
from ablate.bench.record import Journal, read
from ablate.bench.selection import Request
from ablate.bench.session import Session, Task
from tests.bench.invented import CEILINGS


@pytest.fixture
def session(tmp_path, monkeypatch):
    monkeypatch.setattr(ablate.bench.session, "measure_ceilings", lambda *_, **__: CEILINGS)

    def session(seconds=60.0, **request):
        journal = Journal.under(tmp_path, "cpu")
        return Session(Request(**request), seconds, journal, tmp_path / "cache", {"torch": "2"}, seed=1)

    return session


def tasks(monkeypatch, *measurements):
    made = [Task(f"task {number}", 1.0, measure) for number, measure in enumerate(measurements)]
    monkeypatch.setattr(Session, "_tasks", lambda _self: iter(made))


def rows(*_):
    return [{"backend": "eager", "status": "measured"}]


def test_what_takes_long_goes_last_and_losses_alone_after_all(session):
    titles = [task.title for task in session(kernels=("ms_ssim", "l1", "training_step"))._tasks()]
    assert [title.split()[0] for title in titles] == ["l1", "training", "ms_ssim", "ms_ssim", "l1"]
    assert [", forward," in title for title in titles] == [False, False, False, True, True]


def test_a_step_is_measured_at_each_shape_that_is_asked_for(session):
    shapes = Shape(1, 3, 64, 64), Shape(2, 3, 64, 64)
    assert len(list(session(kernels=("training_step",), shapes=shapes)._tasks())) == 2


def test_what_the_budget_does_not_reach_is_listed(session, monkeypatch):
    tasks(monkeypatch, rows, lambda *_: time.sleep(30), rows)
    run, shown = session(seconds=1.0), []
    began = time.monotonic()
    run.run(lambda title, *_: shown.append(title))
    assert time.monotonic() - began < 5
    assert (shown, run.ended) == (["task 0"], "budget")
    document = read(run.journal.path)
    assert (document["ended"], document["left_out"]) == ("budget", ["task 1", "task 2"])
    assert [row["backend"] for row in document["rows"]] == ["eager"]


def test_an_interruption_keeps_what_is_there(session, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    tasks(monkeypatch, rows, interrupted)
    run = session()
    run.run(lambda *_: None)
    assert run.ended == "interrupted"
    assert len(read(run.journal.path)["rows"]) == 1


def test_a_share_that_was_not_used_goes_to_the_others(session, monkeypatch):
    given = []

    def told(_bench, seconds, _longest):
        given.append(seconds)
        return rows()

    tasks(monkeypatch, told, told, told)
    session(seconds=30.0).run(lambda *_: None)
    assert given[0] == pytest.approx(27.0 / 3, rel=0.2)
    assert given[2] == pytest.approx(27.0, rel=0.2)


def test_an_error_of_the_bench_itself_is_not_swallowed(session, monkeypatch):
    def broken(*_):
        raise ZeroDivisionError

    tasks(monkeypatch, broken)
    run = session()
    with pytest.raises(ZeroDivisionError):
        run.run(lambda *_: None)
    assert read(run.journal.path)["left_out"] == ["task 0"]


def test_float32_is_no_tf32(session, monkeypatch):
    tasks(monkeypatch, rows)
    run = session()
    run.run(lambda *_: None)
    assert read(run.journal.path)["environment"]["tf32"] == {"matmul": False, "cudnn": False}
