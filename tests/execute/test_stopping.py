"""Real trainings stopped by two signals in a row; tests/execute/stopped_by_signals.py does it in fifty ways."""

import signal

import pytest

from ablate.execute.interrupts import SAME_STOP_SECONDS, Interrupts
from tests.execute.stopped_by_signals import Trainings, by_timeout, closed_terminal, twice, ways


@pytest.fixture(scope="module")
def trainings(tmp_path_factory: pytest.TempPathFactory) -> Trainings:
    return Trainings(tmp_path_factory.mktemp("stopped"))


@pytest.mark.parametrize(
    "stop",
    [twice(signal.SIGUSR1, signal.SIGTERM, 0.01, False), closed_terminal, by_timeout],
    ids=["two signals", "a closed terminal", "timeout"],
)
def test_two_signals_within_a_moment_are_one_stop_and_every_state_is_saved(trainings: Trainings, stop):
    stop(trainings)
    assert trainings.lost() == []


def test_fifty_ways_are_gone_through_by_the_script():
    assert len(dict(ways())) == 50


def test_a_later_signal_is_another_stop_and_the_third_ends_everything(monkeypatch: pytest.MonkeyPatch):
    clock = [100.0]
    monkeypatch.setattr("ablate.execute.interrupts.time.monotonic", lambda: clock[0])
    counts = []
    with Interrupts() as interrupts:
        for moment in (0.0, 0.005, SAME_STOP_SECONDS - 0.1, SAME_STOP_SECONDS, SAME_STOP_SECONDS + 0.1):
            clock[0] = 100.0 + moment
            signal.raise_signal(signal.SIGHUP)
            counts.append(interrupts.count)
        clock[0] += SAME_STOP_SECONDS
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGUSR2)
    assert counts == [1, 1, 1, 2, 2]
