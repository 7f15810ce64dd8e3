from pathlib import Path

import pytest
import torch

from ablate.execute import capacity as module
from ablate.execute.capacity import Capacity, capacity, capacity_of, chosen
from ablate.records import Execution


@pytest.fixture
def cores(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("ablate.execute.capacity.cores", lambda: 8)
    monkeypatch.setattr(module, "_gpus", lambda **_: 0)


@pytest.mark.usefixtures("cores")
@pytest.mark.parametrize(
    ("workers", "threads", "expected"),
    [
        (None, None, (8, 1)),
        (2, None, (2, 1)),
        (None, 4, (2, 4)),
        (3, 3, (3, 3)),
        (16, None, (16, 1)),
        (None, 9, (1, 9)),
    ],
)
def test_one_worker_a_core_with_one_thread_unless_told(workers, threads, expected):
    chosen = capacity("auto", workers, threads)
    assert (chosen.workers, chosen.threads) == expected


@pytest.mark.usefixtures("cores")
def test_where_half_of_the_cores_stay_idle_the_way_to_use_them_is_said():
    assert Capacity("cpu", 8, 1).idle_cores(12) is None
    assert Capacity("cpu", 8, 1).idle_cores(5) is None
    assert Capacity("cpu", 1, 5).idle_cores(12) is None
    assert Capacity("cuda", 1, 1, gpus=1).idle_cores(12) is None
    assert Capacity("cpu", 8, 1).idle_cores(0) is None
    few, narrow = Capacity("cpu", 8, 1).idle_cores(3), Capacity("cpu", 1, 2).idle_cores(12)
    assert str(few).startswith("5 of 8 cores stay idle; --threads 2 would")
    assert str(narrow).startswith("6 of 8 cores stay idle; --threads 8 would")


def test_one_cell_a_gpu_unless_told(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("ablate.execute.capacity.cores", lambda: 32)
    monkeypatch.setattr(module, "_gpus", lambda **_: 2)
    assert capacity("auto") == Capacity("cuda", 2, 8, 2)
    assert capacity("cuda", cells_per_gpu=2) == Capacity("cuda", 4, 8, 2)
    assert [capacity("auto", workers=3).gpu(slot) for slot in range(3)] == [0, 1, 0]
    assert capacity("cpu").gpu(0) is None


@pytest.mark.usefixtures("cores")
def test_cuda_without_a_gpu_is_refused_in_a_sentence():
    with pytest.raises(ValueError, match="torch sees no GPU"):
        capacity("cuda")


@pytest.mark.parametrize(("driver", "certain", "found"), [(True, False, 2), (False, False, 0), (False, True, 2)])
def test_gpus_are_looked_for_where_a_driver_is_or_one_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, driver: bool, certain: bool, found: int
):
    monkeypatch.setattr(module, "GPU_DRIVERS", (str(tmp_path / "none"), str(tmp_path / "driver")))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    if driver:
        (tmp_path / "driver").touch()
    assert module._gpus(certain=certain) == found


@pytest.mark.usefixtures("cores")
@pytest.mark.parametrize("wrong", [{"workers": 0}, {"threads": -1}, {"device": "tpu"}])
def test_what_makes_no_sense_is_refused(wrong):
    with pytest.raises(ValueError, match=r"at least 1|unknown device"):
        capacity(**wrong)


@pytest.mark.usefixtures("cores")
def test_the_command_line_wins_over_the_grid_and_the_grid_over_the_default():
    assert capacity_of(Execution()).workers == 8
    assert capacity_of(chosen(Execution(workers=3), workers=None)).workers == 3
    assert capacity_of(chosen(Execution(workers=3, threads=2), workers=5)) == Capacity("cpu", 5, 2)


def test_cells_share_a_device_where_there_are_more_workers_than_devices():
    assert [Capacity("cpu", workers, 1).cells_at_once for workers in (1, 2)] == [1, 2]
    assert [Capacity("cuda", workers, 1, gpus=2).cells_at_once for workers in (1, 2, 3, 4)] == [1, 1, 2, 2]


def test_a_device_that_there_is_not_is_refused_whoever_runs_the_cells():
    assert chosen(Execution(executor="slurm"), device="cuda").device == "cuda"
    with pytest.raises(ValueError, match=r"unknown device 'gpu' \(there is: auto, cpu, cuda\)"):
        chosen(Execution(executor="slurm"), device="gpu")


@pytest.mark.parametrize(("said", "seconds"), [("600", 600.0), ("0.5", 0.5), ("1h30m", 5400.0), (90, 90)])
def test_a_time_is_a_number_of_seconds_or_has_units(said: str | float, seconds: float):
    assert chosen(Execution(), time=said).time == seconds
    with pytest.raises(ValueError, match="not a time"):
        chosen(Execution(), time=f"{said} minutes")


def test_kernels_are_asked_for_by_the_grid_and_by_the_command_line() -> None:
    assert capacity_of(Execution()).kernels == "auto"
    assert capacity_of(Execution(kernels="eager")).kernels == "eager"
    assert capacity_of(chosen(Execution(kernels="eager"), kernels="auto")).kernels == "auto"
    with pytest.raises(ValueError, match=r"unknown choice of kernels 'eagre' .*did you mean 'eager'"):
        chosen(Execution(), kernels="eagre")
