"""Kernels for CUDA: in the interpreter against float64, as machine code for sm_90, and on a GPU where there is one."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from ablate.kernels import OPERATORS, Backend, backends, disagreement
from tests.beside import run_beside
from tests.kernels.test_backends import OPTIONS

needs_triton = pytest.mark.skipif(importlib.util.find_spec("triton") is None, reason="triton is not installed")
TRITON = [
    pytest.param(each, options, id=f"{operator}-{'-'.join(map(str, options.values()))}")
    for operator in OPERATORS
    for each in backends(operator)
    for options in OPTIONS[operator]
    if each.name == "triton"
]
ONE_LAUNCH = ("adversarial lsgan", "adversarial hinge", "adversarial vanilla", "distortion", "feature_matching")


@needs_triton
def test_the_interpreted_kernels_agree_with_float64() -> None:
    found = run_beside("tests.kernels.interpreted")
    assert len(found) > 50
    assert {case: problem for case, problem in found.items() if problem is not None} == {}


@pytest.fixture(scope="module")
def machine_code() -> dict[str, list[dict[str, Any]]]:
    """By loss: the kernels that it launches, with registers, stack and memory instructions."""
    return run_beside("tests.kernels.machine_code")


@needs_triton
def test_nothing_is_spilled(machine_code: dict[str, list[dict[str, Any]]]) -> None:
    for kernel in [each for kernels in machine_code.values() for each in kernels]:
        assert kernel["stack"] == 0, kernel
        assert not [name for name in kernel["instructions"] if name.startswith(("LDL", "STL"))], kernel
        assert kernel["registers"] <= 128, kernel  # half of the threads that a multiprocessor holds at 64


@needs_triton
@pytest.mark.parametrize("loss", ONE_LAUNCH)
def test_a_pointwise_loss_is_one_launch_that_moves_16_bytes_at_once(
    loss: str, machine_code: dict[str, list[dict[str, Any]]]
) -> None:
    (kernel,) = machine_code[loss]
    counts = kernel["instructions"]
    wide = {name: count for name, count in counts.items() if name.endswith(".128")}
    assert sum(count for name, count in wide.items() if name.startswith("LDG")) >= 2
    assert sum(count for name, count in wide.items() if name.startswith("STG")) >= 1
    # What is stored four bytes at a time is one part of the sum, the sum and the ticket.
    assert sum(count for name, count in counts.items() if name.startswith("STG") and name not in wide) <= 3
    assert sum(count for name, count in counts.items() if name.startswith(("ATOMG", "RED"))) == 1


@needs_triton
def test_bfloat16_moves_16_bytes_at_once_too(machine_code: dict[str, list[dict[str, Any]]]) -> None:
    (kernel,) = machine_code["distortion bfloat16"]
    assert kernel["instructions"]["LDG.E.128"] >= 2
    assert kernel["instructions"]["STG.E.128"] >= 1


@needs_triton
def test_a_single_logit_compiles_though_its_size_is_a_constant(
    machine_code: dict[str, list[dict[str, Any]]],
) -> None:
    assert [each["name"] for each in machine_code["adversarial one logit"]] == ["adversarial_kernel"]


@needs_triton
def test_ms_ssim_reads_each_row_once_a_tap(machine_code: dict[str, list[dict[str, Any]]]) -> None:
    for kernel in machine_code["ms_ssim"]:
        if kernel["name"] == "measure_kernel":
            assert kernel["instructions"]["LDG.E"] == 22


def test_without_a_gpu_the_reason_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    triton: Backend = TRITON[0].values[0]
    assert triton.unavailable("cpu") == "adversarial: triton is for cuda, not for cpu"
    assert triton.unavailable("cuda") in ("triton needs a GPU, and torch sees none here", "triton is not installed")


@needs_triton
@pytest.mark.parametrize("operator", ["adversarial", "distortion", "feature_matching", "ms_ssim"])
def test_kernels_are_launched_on_the_gpu_of_their_tensors(operator: str, monkeypatch: pytest.MonkeyPatch) -> None:
    current, launched = [0], []

    class Launched:
        def __getitem__(self, _grid: Any) -> Any:
            return lambda *_given, **_settings: launched.append(current[-1])

    @contextlib.contextmanager
    def device_of(tensor: torch.Tensor) -> Any:
        current.append(tensor.device.index)
        yield
        current.pop()

    monkeypatch.setattr(torch.cuda, "device_of", device_of)
    monkeypatch.setattr(torch.cuda, "current_stream", lambda _device: SimpleNamespace(cuda_stream=7))
    monkeypatch.setattr(torch.cuda, "is_current_stream_capturing", lambda: False)
    for folder in ("adversarial", "distortion", "ms_ssim"):
        kernels = importlib.import_module(f"ablate.kernels.{folder}.triton")
        for name in [name for name in vars(kernels) if name.endswith("_kernel")]:
            monkeypatch.setattr(kernels, name, Launched())
    ms_ssim = importlib.import_module("ablate.kernels.ms_ssim.triton")
    # `together` keeps tensors for good, and these are none that anybody else could use.
    monkeypatch.setattr(ms_ssim, "together", lambda unlike, _comparison: (unlike[0], unlike.unbind()))
    triton = next(each for each in backends(operator) if each.name == "triton")
    with FakeTensorMode():
        images = [torch.zeros(1, 3, 170, 170, device="cuda:1")]
        triton.build()(images, images)
    assert set(launched) == {1}


@needs_triton
def test_a_captured_launch_counts_for_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    from ablate.kernels.triton_sum import Tickets

    capturing = [False]
    monkeypatch.setattr(torch.cuda, "is_current_stream_capturing", lambda: capturing[0])
    monkeypatch.setattr(torch.cuda, "current_stream", lambda _device: SimpleNamespace(cuda_stream=7))
    tickets = Tickets()
    with FakeTensorMode():
        device = torch.device("cuda", 0)
        kept = tickets.on(device)
        capturing[0] = True
        captured = [tickets.on(device), tickets.on(device)]
        capturing[0] = False
        assert tickets.on(device) is kept
    assert len({id(each) for each in (kept, *captured)}) == 3


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device, and pytest -m gpu")
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize(("backend", "options"), TRITON)
def test_a_backend_agrees_with_float64_on_a_gpu(backend: Backend, options: dict[str, Any], dtype: torch.dtype) -> None:
    function, tolerance = backend.build(**options), OPERATORS[backend.operator].tolerance(dtype)
    for trial in OPERATORS[backend.operator].trials(options):
        here = trial.to("cuda", dtype)
        exact = here.to("cpu", torch.float64)
        expected = backends(backend.operator)[0].build(**options)(exact.image, exact.reconstruction)
        assert disagreement(function(here.image, here.reconstruction), expected, tolerance) is None, trial.name


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device, and pytest -m gpu")
@pytest.mark.parametrize(("backend", "options"), TRITON)
def test_a_backend_can_be_captured_and_replayed(backend: Backend, options: dict[str, Any]) -> None:
    function, trial = (
        backend.build(**options),
        next(OPERATORS[backend.operator].trials(options)).to("cuda", torch.float32),
    )
    stream = torch.cuda.Stream()
    with torch.cuda.stream(stream):
        expected = function(trial.image, trial.reconstruction)
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, stream=stream):
        captured = function(trial.image, trial.reconstruction)
    for _ in range(3):
        graph.replay()
    torch.cuda.synchronize()
    assert disagreement(captured, expected, OPERATORS[backend.operator].float32) is None
