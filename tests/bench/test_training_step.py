import pytest
import torch

from ablate.bench.steps import VARIANTS, Steps, Variant, _first_step
from ablate.bench.training_step import PARTS, BareTraining, cell_of, split_of


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


def test_the_parts_of_a_step_add_up_to_it(cache):
    import time

    training = BareTraining(cell_of("tiny", cache, data__crop=32), cache)
    training.step()
    began = time.perf_counter()
    split = split_of(training, "cpu", steps=3)
    whole = (time.perf_counter() - began) / 3
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
    assert watched.batch.__func__ is BareTraining.batch


def test_a_variant_whose_first_step_differs_is_refused(cache, monkeypatch):
    import ablate.bench.steps

    variants = {"eager": Variant("eager", {}), "other loss": Variant("eager", {"loss__lambda_x": 12.5})}
    monkeypatch.setattr(ablate.bench.steps, "VARIANTS", variants)
    steps = Steps("cpu", cache)
    assert "the generator's loss differs from eager by" in (steps._refusal("other loss") or "")
    assert steps._refusal("eager") is None


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_variant_takes_eagers_first_step(cache, variant):
    assert Steps("cpu", cache)._refusal(variant) is None


def test_the_first_step_is_that_of_training(cache):
    training = BareTraining(cell_of("tiny", cache, data__crop=32), cache)
    told = _first_step(training)
    assert training.state.step == 1
    assert told["the codec's gradient"].norm() > 0
