from pathlib import Path
from typing import Any

import pytest

from ablate.bench.comparison import MARGIN
from ablate.check import GateOutcome, check, read_baseline, write_baseline
from ablate.check.kernels import check_kernels, kept_ratios, kernel_ratios
from tests.bench.test_comparison import row, run
from tests.check.judged import made, recorded, taken

NATIVE = [10.0, 9.5, 10.5]
KERNEL = "kernel ms_ssim forward+backward 4x3x256x256 float32 cpu"


def ratios(*rows: dict[str, Any]) -> dict[str, Any]:
    return kernel_ratios(run(*rows))


@pytest.mark.parametrize(
    ("now", "outcome"),
    [
        ([10.2, 9.0, 11.0], GateOutcome.passed),
        ([5.0, 4.0, 6.0], GateOutcome.regressed),
        ([20.0, 18.0, 22.0], GateOutcome.improved),
        ([5.0, 1.0, 12.0], GateOutcome.inconclusive),
    ],
)
def test_a_ratio_to_eager_is_judged_by_margin_and_intervals(now: list[float], outcome: GateOutcome):
    (finding,) = check_kernels(ratios(row("native", NATIVE)), run(row("native", now)))
    assert (finding.arm, finding.metric, finding.outcome) == (KERNEL, "native", outcome)
    assert (finding.was, finding.now, finding.margin) == (10.0, now[0], 10.0 - 10.0 / MARGIN)


def test_a_kernel_that_no_longer_agrees_with_float64_is_a_regression_with_its_reason():
    broken = row("native", None, status="failed", reason="the loss is 1, not 2")
    (finding,) = check_kernels(ratios(row("native", NATIVE)), run(broken))
    assert (finding.outcome, finding.detail) == ("regressed", "the loss is 1, not 2")


def test_whatever_the_run_leaves_out_is_missing():
    reference = ratios(row("native", NATIVE), row("native", NATIVE, shape="1x3x64x64"))
    (kept, lost) = check_kernels(reference, run(row("native", NATIVE)))
    assert (kept.outcome, lost.outcome, lost.detail) == ("pass", "missing", "not in the run")
    gpu = {"rows": [row("native", NATIVE, device="cuda")]}
    assert [each.outcome for each in check_kernels(reference, gpu)] == ["missing", "missing"]


def test_a_baseline_with_ratios_is_not_passed_without_a_run_and_one_without_is_not_compared():
    (finding,) = check_kernels(ratios(row("native", NATIVE)), None)
    assert finding.outcome == "missing"
    assert check_kernels(None, None) == []
    (finding,) = check_kernels(None, run(row("native", NATIVE)))
    assert finding.outcome == "not comparable"


def test_a_faster_kernel_does_not_shut_a_gate_that_repeats_values(tmp_path: Path):
    now = recorded(made(tmp_path))
    baseline = taken(now, bench=run(row("native", NATIVE)))
    assert check(baseline, now, run(row("native", [20.0, 18.0, 22.0]))).exit_code(strict=True) == 0
    assert check(baseline, now, run(row("native", [5.0, 4.0, 6.0]))).exit_code(strict=True) == 1
    assert check(baseline, now).exit_code(strict=False) == 3


def test_ratios_survive_the_file_and_an_update_without_a_run(tmp_path: Path):
    now = recorded(made(tmp_path))
    first = taken(now, bench=run(row("native", NATIVE)))
    write_baseline(tmp_path / "ci.json", first)
    assert read_baseline(tmp_path / "ci.json") == first
    assert taken(now, previous=first).kernels == first.kernels
    assert kept_ratios(first.kernels or {}) == [(KERNEL, "native", "10.00 [9.50, 10.50]")]


def test_the_documented_factor_is_the_one_that_ratios_are_judged_by():
    said = " ".join((Path(__file__).parents[2] / "docs" / "ci.md").read_text(encoding="utf-8").split())
    assert f"slower by more than a factor of {MARGIN:g} with" in said
