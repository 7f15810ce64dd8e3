"""On a GPU alone: that its clock, its graphs and its candidates do what those of the CPU are tested for."""

import dataclasses

import pytest
import torch

from ablate.bench.candidates import Graphed
from ablate.bench.case import DTYPES, Setting, Shape
from ablate.bench.cases import KERNELS
from ablate.bench.ceilings import measure_ceilings
from ablate.bench.clock import CudaClock
from ablate.bench.gate import Gate
from ablate.bench.measure import Bench
from ablate.networks.exact import full_float32

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device, and pytest -m gpu"),
]


@pytest.fixture(autouse=True)
def as_in_a_session():
    with full_float32():
        yield


def case_of(name, dtype="float32"):
    kernel = KERNELS[name]
    return kernel.case(Setting(kernel.directions[0], Shape(2, 3, 192, 256), DTYPES[dtype], "cuda"))


def test_the_device_works_less_than_the_caller_waits_for_many_small_kernels():
    x = torch.rand(64, device="cuda")
    small = [lambda: x.mul_(1.0)] * 50
    for _ in range(3):
        timing = CudaClock().time(lambda: small)
    assert 0 < timing.device < timing.call
    assert not timing.gaps


def test_twice_the_work_takes_about_twice_the_time():
    small, large = (torch.rand(size << 22, device="cuda") for size in (16, 32))
    clock = CudaClock()
    one, two = (min(clock.time(lambda x=x: [lambda: x.mul_(1.0)] * 4).device for _ in range(5)) for x in (small, large))
    assert 1.7 < two / one < 2.3


def test_a_graph_gives_what_its_function_gives_for_each_of_its_inputs():
    case = case_of("lsgan_d")
    function = case.candidates[0].build()
    graphed = Graphed(function)
    for seed in (1, 2, 1):
        pair = case.inputs(torch.Generator().manual_seed(seed))
        assert torch.equal(graphed(*pair).value, function(*pair).value)


@pytest.mark.parametrize("name", KERNELS)
def test_all_that_need_no_compilation_agree_with_float64(name):
    case = case_of(name)
    gate = Gate(case, seed=11)
    for candidate in case.candidates:
        if candidate.missing is None and not candidate.build_seconds and candidate.peer is None:
            assert (candidate.name, gate.refusal(candidate, candidate.build())) == (candidate.name, None)


def test_a_case_is_measured_under_the_roofline():
    clock = CudaClock()
    ceilings = measure_ceilings(clock, "cuda")
    case = KERNELS["charbonnier"].case(Setting("forward+backward", Shape(8, 3, 512, 1024), torch.float32, "cuda"))
    wanted = frozenset({"triton", "cuda-graph"})
    rows = Bench(clock, ceilings, seed=3, wanted=wanted).measure(case, 5.0, longest=60.0)
    assert {row["status"] for row in rows} == {"measured"}
    peaks = {row["backend"]: row["peak_bytes"] for row in rows}
    assert peaks.pop("cuda-graph") is None
    assert all(peak >= case.work.bytes // 3 for peak in peaks.values())
    assert dataclasses.asdict(ceilings)["copy"] > 1e11
