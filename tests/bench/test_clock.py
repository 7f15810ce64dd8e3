import sys
import time
from types import ModuleType

import pytest
import torch

from ablate.bench.budget import OutOfTime, alarm
from ablate.bench.case import Work
from ablate.bench.ceilings import Ceilings, measure_ceilings
from ablate.bench.clock import CudaClock, ProcessorClock
from ablate.bench.environment import gpu_state
from ablate.bench.gate import attempt
from tests.bench.invented import CEILINGS, ToldClock


def endless():
    while True:
        pass


def test_sleep_is_waiting_for_the_caller_and_no_work():
    timing = ProcessorClock(threads=1).time(lambda: [lambda: time.sleep(0.02)] * 2)
    assert timing.call == pytest.approx(0.02, rel=2.0)
    assert timing.call >= 0.02
    assert timing.device < 0.01


def test_several_threads_are_compared_by_the_wall_clock():
    assert ProcessorClock(threads=1).primary == "device"
    assert ProcessorClock(threads=2).primary == "call"


def test_the_floor_is_the_longer_of_bytes_and_arithmetic():
    ceilings = Ceilings(copy=10.0, triad=20.0, read=15.0, flops=100.0, launch=0.0, cache=1)
    assert ceilings.floor(Work(bytes=40, flops=100)) == 2.0
    assert ceilings.floor(Work(bytes=40, flops=1000)) == 10.0


def test_contention_only_ever_lowers_a_ceiling():
    quiet, busy = CEILINGS, Ceilings(copy=2e9, triad=5e8, read=5e8, flops=5e11, launch=2e-6, cache=CEILINGS.cache)
    best = busy.best_of(quiet)
    assert (best.copy, best.triad, best.flops, best.launch) == (2e9, 1e9, 1e12, 1e-6)


def test_ceilings_of_this_machine_are_those_of_a_machine():
    ceilings = measure_ceilings(ProcessorClock(threads=1), "cpu", rounds=1)
    assert 1e8 < ceilings.copy < 1e12
    assert 1e8 < ceilings.flops < 1e13
    assert ceilings.cache >= 1 << 18


def test_an_alarm_ends_what_does_not_look_at_the_clock():
    with pytest.raises(OutOfTime), alarm(0.05):
        endless()


def test_an_alarm_that_was_not_needed_is_off():
    with alarm(0.05):
        pass
    time.sleep(0.1)


def test_an_alarm_passes_those_who_catch_errors():
    with pytest.raises(OutOfTime), alarm(0.05):
        attempt(endless)


def test_told_clocks_tell():
    assert ToldClock().time(lambda: [lambda: 2.0, lambda: 4.0]).device == 3.0


def test_a_sensor_that_a_gpu_does_not_have_is_left_out(monkeypatch):
    class NVMLError(Exception):
        """As NVML's: no RuntimeError."""

    def unsupported():
        raise NVMLError("Not Supported")

    nvml = ModuleType("pynvml")
    nvml.NVMLError = NVMLError
    monkeypatch.setitem(sys.modules, "pynvml", nvml)
    monkeypatch.setattr(torch.cuda, "clock_rate", unsupported)
    monkeypatch.setattr(torch.cuda, "power_draw", unsupported)
    monkeypatch.setattr(torch.cuda, "temperature", lambda: 41)
    assert CudaClock().megahertz() is None
    assert gpu_state("cuda") == {"celsius": 41.0}
    monkeypatch.setattr(torch.cuda, "temperature", unsupported)
    assert gpu_state("cuda") is None
