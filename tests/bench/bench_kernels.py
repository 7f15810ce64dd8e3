"""The cases of `ablate bench` under pytest-benchmark, one for each backend of each kernel that needs no compilation.

    tox -e bench

pytest-benchmark times a backend by itself, and its file is for looking at trends. What a change is judged by is in
`extra_info`: the ratio to eager, paired in rounds of the same run. A ratio that fell against the committed reference
fails; milliseconds never do.
"""

from pathlib import Path

import pytest
from torch.utils.benchmark import set_torch_threads

from ablate.bench.case import DTYPES, Setting
from ablate.bench.cases import KERNELS
from ablate.bench.ceilings import measure_ceilings
from ablate.bench.clock import clock_for
from ablate.bench.comparison import compare
from ablate.bench.measure import Bench
from ablate.bench.names import BACKWARD, BASELINE, CONTROL, primary_ratio
from ablate.bench.record import read
from ablate.execute.work import keep_freed_memory
from ablate.rng import stream

pytestmark = pytest.mark.bench

REFERENCE = Path(__file__).parents[2] / "reports" / "bench" / "cpu.json"
SECONDS, LONGEST = 3.0, 120.0


def case_of(name):
    kernel = KERNELS[name]
    return kernel.case(Setting(kernel.directions[0], kernel.shape["cpu"], DTYPES["float32"], "cpu"))


FAST = [
    (name, candidate.name)
    for name, kernel in KERNELS.items()
    if kernel.directions[0] == BACKWARD
    for candidate in case_of(name).candidates
    if candidate.missing is None and candidate.peer is None and not candidate.build_seconds
]


@pytest.fixture(scope="module")
def ceilings():
    keep_freed_memory()
    with set_torch_threads(1):
        yield measure_ceilings(clock_for("cpu", 1), "cpu")


@pytest.mark.parametrize(("name", "backend"), FAST)
def test_kernel(benchmark, ceilings, name, backend):
    case = case_of(name)
    benchmark.group = str(case)
    wanted = frozenset({backend})
    rows = Bench(clock_for("cpu", 1), ceilings, seed=0, wanted=wanted).measure(case, SECONDS, LONGEST)
    (row,) = [row for row in rows if row["backend"] == (CONTROL if backend == BASELINE else backend)]
    assert row["status"] == "measured", row["reason"]
    benchmark.extra_info.update(
        ratio=primary_ratio(row),
        noise=row["noise"],
        verdict=row["verdict"],
        roofline=row["roofline"],
        rounds=row["rounds"],
    )
    (candidate,) = [candidate for candidate in case.candidates if candidate.name == backend]
    function, pair = candidate.build(), candidate.prepare(case.inputs(stream(0, "bench.inputs")))
    benchmark.pedantic(function, args=pair, rounds=20, warmup_rounds=3)
    if REFERENCE.exists() and backend != BASELINE:
        fell = [str(one) for one in compare({"rows": rows}, read(REFERENCE)) if one.regressed]
        assert not fell, fell
