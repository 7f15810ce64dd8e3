import itertools
import math

import numpy as np
import pytest

from ablate.bench.budget import OutOfTime
from ablate.bench.ratios import noise, paired_ratio, verdict
from ablate.bench.rounds import FEWEST_FOR_INTERVAL, MOST_ROUNDS, Deadlines, run_rounds
from tests.bench.invented import ToldClock, taking


def counting(step: float = 1e-3):
    """A clock for budgets that goes on by a step with each look."""
    counter = itertools.count()
    return lambda: next(counter) * step


def in_rounds(candidates, seconds=5.0, longest=0.0, clock=None, seed=0, step=1e-3, **options):
    deadlines = Deadlines(seconds, longest)
    return run_rounds(candidates, clock or ToldClock(), seed, deadlines, now=counting(step), **options)


def test_everybody_has_as_many_samples_at_either_temperature():
    samples = in_rounds({"eager": taking(1e-3), "other": taking(5e-4)})
    assert {len(samples.seconds(name, t, "call")) for name in samples.repeats for t in ("cold", "warm")} == {
        len(samples.rounds)
    }


def test_rounds_end_by_precision_once_all_ratios_are_known():
    samples = in_rounds({"eager": taking(1e-3), "other": taking(5e-4)})
    assert samples.stopped_by == "precise"
    assert len(samples.rounds) < MOST_ROUNDS


def test_rounds_end_by_time_where_a_ratio_stays_unknown():
    wild = np.exp(np.random.default_rng(0).normal(size=97)).tolist()
    samples = in_rounds({"eager": taking(1.0), "wild": taking(1.0, swing=wild)}, seconds=0.3)
    assert samples.stopped_by == "budget"
    assert len(samples.rounds) < MOST_ROUNDS


def test_a_case_may_go_on_over_its_share_until_there_is_an_interval():
    slow = {"eager": taking(1.0), "other": taking(1.0)}
    assert len(in_rounds(slow, seconds=1e-3, longest=100.0).rounds) == FEWEST_FOR_INTERVAL
    assert len(in_rounds(slow, seconds=1e-3).rounds) == 1


def test_the_order_within_rounds_changes_and_follows_from_the_seed():
    def orders(seed):
        called = []
        candidates = {name: [lambda name=name: called.append(name) or 1e-3] for name in ("eager", "first", "second")}
        in_rounds(candidates, seed=seed, transfer=0.0)
        return called

    first = orders(1)
    assert first == orders(1)
    assert first != orders(2)
    assert len({tuple(first[start : start + 3]) for start in range(len(first) % 3, len(first), 3)}) > 1


def test_cold_samples_go_round_all_sets_and_warm_ones_stay():
    touched = []
    sets = [lambda index=index: touched.append(index) or 1.0 for index in range(5)]
    in_rounds({"eager": sets}, seconds=1e-3, longest=100.0)
    cold, warm = touched[-2 * FEWEST_FOR_INTERVAL :: 2], touched[-2 * FEWEST_FOR_INTERVAL + 1 :: 2]
    assert cold == warm
    assert all((after - before) % 5 == 1 for before, after in itertools.pairwise(cold))


def test_warm_is_left_out_where_memory_is_next_to_nothing_of_the_time():
    samples = in_rounds({"eager": taking(1.0)}, transfer=0.01)
    assert samples.temperatures == ("cold",)
    assert in_rounds({"eager": taking(1.0)}, transfer=0.5).temperatures == ("cold", "warm")


def test_rounds_at_another_clock_are_counted_and_kept():
    candidates = {"eager": taking(1.0), "other": taking(1.0)}
    clock = ToldClock([1980.0, 1980.0, 1200.0, 1975.0, 1980.0, 1990.0])
    samples = in_rounds(candidates, seconds=1e-3, longest=100.0, clock=clock)
    assert samples.unsteady_rounds == 1
    assert len(samples.rounds) == len(samples.megahertz) == FEWEST_FOR_INTERVAL


@pytest.mark.parametrize(("interruption", "reason"), [(KeyboardInterrupt, "interrupted"), (OutOfTime, "budget")])
def test_an_interruption_keeps_whole_rounds_and_drops_the_torn_one(interruption, reason):
    calls = itertools.count()

    def call():
        if next(calls) > 40:
            raise interruption
        return 1e-2

    samples = in_rounds({"eager": [call], "other": [call]}, seconds=50.0, step=1e-1)
    assert samples.stopped_by == reason
    assert len(samples.rounds) > 0
    assert {len(samples.seconds(name, "cold", "call")) for name in ("eager", "other")} == {len(samples.rounds)}


def test_the_same_code_twice_is_the_same_and_twice_the_work_is_slower():
    weather = [1.0, 1.02, 0.99, 1.3, 1.01, 0.97, 1.0]
    samples = in_rounds(
        {
            "eager": taking(1e-3, swing=weather),
            "eager again": taking(1e-3, swing=weather[::-1]),
            "slow": taking(2e-3, swing=weather[2:]),
        },
        seconds=3.0,
    )
    eager, again, slow = (samples.seconds(name, "cold", "device") for name in samples.repeats)
    within = noise(paired_ratio(eager, again))
    assert not math.isinf(within)
    assert verdict(paired_ratio(eager, again), within) in ("same", "ambiguous")
    assert verdict(paired_ratio(eager, slow), within) == "slower"
