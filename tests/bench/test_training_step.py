import dataclasses
import time

import pytest
import torch

from ablate.bench.case import Shape
from ablate.bench.clock import ProcessorClock
from ablate.bench.measure import Bench
from ablate.bench.steps import VARIANTS, Steps, first_step, refusal
from ablate.bench.training_step import PARTS, BareTraining, cell_of, split_of
from tests.bench.invented import CEILINGS


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


def test_the_parts_of_a_step_add_up_to_it(cache):
    training = BareTraining(cell_of("tiny", cache, data__crop=32), cache)
    training.step()
    began = time.process_time()
    split = split_of(training, "cpu", steps=3)
    whole = (time.process_time() - began) / 3
    assert tuple(split) == PARTS
    assert all(seconds > 0 for seconds in split.values())
    assert sum(split.values()) == pytest.approx(whole, rel=0.1)


def test_watching_a_step_changes_nothing_in_it_and_ends(cache):
    watched, alone = (BareTraining(cell_of("tiny", cache, data__crop=32), cache) for _ in range(2))
    split_of(watched, "cpu", steps=2)
    alone.step()
    alone.step()
    for mine, other in zip(watched.state.codec.parameters(), alone.state.codec.parameters(), strict=True):
        assert torch.equal(mine, other)
    assert not watched.state.codec.encoder._forward_hooks
    assert type(watched.batches) is type(alone.batches)


@pytest.fixture(scope="module")
def eagers_first_step(cache):
    return first_step(Steps("cpu", cache)._training("eager"))


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_variant_takes_eagers_first_step(cache, eagers_first_step, variant):
    assert refusal(Steps("cpu", cache)._training(variant), eagers_first_step) is None


def test_a_training_whose_first_step_differs_is_refused(cache, eagers_first_step):
    other = BareTraining(cell_of("tiny", cache, loss__lambda_x=12.5), cache)
    assert "the generator's loss differs from eager by" in (refusal(other, eagers_first_step) or "")


def test_a_row_says_images_a_second_and_where_they_go(cache):
    bench = Bench(ProcessorClock(1), dataclasses.replace(CEILINGS, flops=1e14), seed=1, wanted=frozenset({"auto"}))
    rows = {row["backend"]: row for row in Steps("cpu", cache, Shape(2, 3, 32, 32)).measure(bench, 2.0, 60.0)}
    assert set(rows) == {"eager", "auto", "eager again"}
    assert rows["auto"]["shape"] == "2x3x32x32"
    assert rows["auto"]["images_a_second"]["call"] == pytest.approx(2 / rows["auto"]["median"]["cold"]["call"])
    assert tuple(rows["auto"]["split"]) == PARTS
    assert rows["auto"]["least_flops"] > 1e7
