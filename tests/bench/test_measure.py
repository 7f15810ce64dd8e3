import itertools
import time

import pytest
import torch

from ablate.bench.case import Candidate
from ablate.bench.clock import ProcessorClock
from ablate.bench.measure import Bench
from ablate.bench.names import CONTROL
from tests.bench.invented import CEILINGS, case_of, squares
from tests.bench.test_gate import gradient_off


def by_name(rows):
    return {row["backend"]: row for row in rows}


def slowed(images, reconstructions):
    end = time.process_time() + 2e-3
    while time.process_time() < end:
        pass
    return squares(images, reconstructions)


@pytest.fixture
def bench():
    return Bench(ProcessorClock(threads=1), CEILINGS, seed=5)


def test_who_disagrees_with_float64_has_no_time(bench):
    rows = by_name(bench.measure(case_of(broken=gradient_off), 0.2))
    assert rows["broken"]["status"] == "failed"
    assert "is off by 0.001" in rows["broken"]["reason"]
    assert not {"median", "ratio", "samples", "verdict"} & rows["broken"].keys()
    assert rows["eager"]["status"] == "measured"


def test_more_work_is_slower_and_eager_is_run_against_itself(bench):
    rows = by_name(bench.measure(case_of(slowed=slowed), 0.5, longest=60.0))
    assert rows["slowed"]["verdict"] == "slower"
    assert rows["slowed"]["ratio"]["cold"]["device"][2] < 0.5
    assert rows[CONTROL]["verdict"] == "control"
    assert rows[CONTROL]["noise"] == rows["slowed"]["noise"]


def test_every_sample_is_kept(bench):
    (row, _) = bench.measure(case_of(), 0.3)
    assert {len(row["samples"][t][q]) for t in ("cold", "warm") for q in ("device", "call")} == {row["rounds"]}


def test_a_time_beyond_the_roofline_is_an_error_and_no_result():
    slow_memory = CEILINGS.__class__(**{**vars(CEILINGS), "copy": 1e3, "triad": 1e3, "read": 1e3})
    rows = Bench(ProcessorClock(1), slow_memory, seed=5).measure(case_of(), 0.2)
    assert {row["status"] for row in rows} == {"error"}
    assert all("% of the roofline" in row["reason"] and row["verdict"] is None for row in rows)


def test_what_eager_moves_is_counted_beside_the_least(bench):
    row = by_name(bench.measure(case_of(), 0.2))["eager"]
    tensor = 4 * 2 * 3 * 4 * 5
    assert row["least_bytes"] == 3 * tensor
    # y - x, its square, its mean, twice it, and that over n: five passes of a scalar or tensor each.
    assert row["eager_launches"] == 5
    assert row["bytes_over_least"] == row["eager_bytes"] / row["least_bytes"]
    assert row["max_possible"] == pytest.approx(1 / row["roofline"])
    assert row["eager_bytes"] == 3 * tensor + 2 * tensor + (tensor + 4) + 2 * tensor + 2 * tensor


def test_a_compilation_that_does_not_fit_its_share_is_skipped_with_the_reason(bench):
    slow = Candidate("compiled", lambda: pytest.fail("it was built"), build_seconds=60.0)
    row = by_name(bench.measure(case_of(compiled=slow), 0.2))["compiled"]
    assert row["status"] == "skipped"
    assert "compiling takes about 60 s" in row["reason"]


def test_other_forms_of_who_was_refused_are_not_tried(bench):
    untried = Candidate("peer-compile", lambda: pytest.fail("it was built"), peer="peer 1.0", form_of="peer")
    peer = Candidate("peer", lambda: gradient_off, peer="peer 1.0")
    rows = by_name(bench.measure(case_of(peer=peer, compiled=untried), 0.2))
    assert rows["peer-compile"]["reason"] == rows["peer"]["reason"]


def test_who_comes_after_half_of_the_share_is_not_let_in():
    ticks = itertools.count()
    hurried = Bench(ProcessorClock(1), CEILINGS, seed=5, now=lambda: float(next(ticks)))
    rows = by_name(hurried.measure(case_of(**{f"number {number}": squares for number in range(30)}), 40.0))
    assert rows["eager"]["status"] == rows["number 0"]["status"] == "measured"
    assert rows["number 29"]["reason"] == "half of its share of the budget was gone by then"


def test_own_backends_are_paired_with_the_fastest_peer(bench):
    slow = Candidate("slow peer", lambda: slowed, peer="peer 1.0")
    fast = Candidate("fast peer", lambda: squares, peer="peer 1.0")
    rows = by_name(bench.measure(case_of(slow=slow, fast=fast, slowed=slowed), 0.5, longest=60.0))
    assert rows["slowed"]["fastest_peer"] == "fast peer"
    assert rows["slowed"]["over_fastest_peer"][2] < 0.5
    assert 0.2 < rows["eager"]["over_fastest_peer"][0] < 5
    assert "fastest_peer" not in rows["slow peer"]
    assert "fastest_peer" not in rows[CONTROL]


def test_who_is_for_another_device_is_listed_where_it_is_asked_for():
    other = Candidate("triton", lambda: pytest.fail("it was built"), missing="triton is for cuda", elsewhere=True)
    for wanted, listed in ((frozenset(), False), (frozenset({"triton"}), True)):
        rows = Bench(ProcessorClock(1), CEILINGS, seed=5, wanted=wanted).measure(case_of(triton=other), 0.1)
        assert ("triton" in by_name(rows)) is listed


def test_who_is_missing_is_listed_with_the_reason(bench):
    absent = Candidate("absent", lambda: pytest.fail("it was built"), missing="absent is not installed", peer="absent")
    row = by_name(bench.measure(case_of(absent=absent), 0.2))["absent"]
    assert (row["status"], row["reason"]) == ("missing", "absent is not installed")


def test_who_goes_wrong_while_it_is_timed_has_no_time_either(bench):
    calls = []

    def forgetful(images, reconstructions):
        calls.append(None)
        return squares(images, reconstructions) if len(calls) < 20 else gradient_off(images, reconstructions)

    row = by_name(bench.measure(case_of(forgetful=forgetful), 0.3))["forgetful"]
    assert row["status"] == "failed"
    assert "after the last round" in row["reason"]


def test_inputs_are_turned_over_until_they_are_four_times_the_cache(bench):
    seen = set()

    def watching(images, reconstructions):
        seen.add(images[0].data_ptr())
        return squares(images, reconstructions)

    row = by_name(bench.measure(case_of(watching=watching), 0.3))["watching"]
    pair_bytes = 2 * 4 * torch.Size((2, 3, 4, 5)).numel()
    assert row["sets_of_inputs"] * pair_bytes >= 4 * CEILINGS.cache
    assert len(seen) >= row["sets_of_inputs"]
