import dataclasses

import pytest
import torch

from ablate.bench.case import Candidate
from ablate.bench.gate import Gate, attempt
from ablate.kernels import Gradients, Tolerance
from tests.bench.invented import case_of, squares


def value_off(images, reconstructions):
    value, _, gradients = squares(images, reconstructions)
    return Gradients(value * 1.001, (), gradients)


def gradient_off(images, reconstructions):
    value, _, (gradient,) = squares(images, reconstructions)
    return Gradients(value, (), (gradient * 1.001,))


def one_gradient_missing(images, reconstructions):
    return Gradients(squares(images, reconstructions).value, (), ())


def last_row_unwritten(images, reconstructions):
    value, _, (gradient,) = squares(images, reconstructions)
    written = torch.empty_like(gradient)
    written[..., :-1, :] = gradient[..., :-1, :]
    return Gradients(value, (), (written,))


def last_row_left_as_an_earlier_call_left_it(images, reconstructions):
    value, _, (gradient,) = squares(images, reconstructions)
    earlier = gradient.clone()
    del earlier
    written = torch.empty_like(gradient)  # the allocator hands out what was freed last, with the right numbers in it
    written[..., :-1, :] = gradient[..., :-1, :]
    return Gradients(value, (), (written,))


def writes_into_its_input(images, reconstructions):
    result = squares(images, reconstructions)
    reconstructions[0].mul_(2)
    return result


def wrong_at_odd_sides(images, reconstructions):
    return (squares if images[0].shape[-1] == 5 else value_off)(images, reconstructions)


def raises(images, reconstructions):
    raise RuntimeError("\nno such instruction\nin a long tale")


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (value_off, "the loss is"),
        (gradient_off, "gradient 0 of the reconstruction is off by 0.001"),
        (one_gradient_missing, "there are 0 gradients of the reconstruction, not 1"),
        (last_row_unwritten, "is finite in"),
        (last_row_left_as_an_earlier_call_left_it, "is finite in"),
        (writes_into_its_input, "it writes into its inputs"),
        (wrong_at_odd_sides, "odd sides: the loss is"),
        (raises, "RuntimeError: no such instruction"),
    ],
)
def test_what_is_broken_on_purpose_is_refused_with_the_reason(broken, said):
    case = case_of(broken=broken)
    refused = attempt(lambda: Gate(case, seed=3).refusal(case.candidates[1], broken))
    assert refused is not None
    assert said in refused


def test_the_definition_passes_in_float32():
    case = case_of()
    assert Gate(case, seed=3).refusal(case.candidates[0], squares) is None


def test_inputs_are_fresh_with_every_seed():
    case = case_of()
    first, second = (Gate(case, seed).timed.image[0] for seed in (1, 2))
    assert not torch.equal(first, second)


def test_peers_answer_for_ordinary_images_alone():
    case = case_of()
    peer = Candidate("peer", lambda: wrong_at_odd_sides, peer="peer 1.0")
    assert Gate(case, seed=3).refusal(peer, wrong_at_odd_sides) is None
    assert Gate(case, seed=3).refusal(dataclasses.replace(peer, peer=None), wrong_at_odd_sides) is not None


def test_a_result_that_went_wrong_during_the_rounds_is_found():
    case = case_of()
    gate = Gate(case, seed=3)
    assert gate.changed(case.candidates[0], squares(*gate.timed)) is None
    assert "after the last round: the loss is" in (gate.changed(case.candidates[0], value_off(*gate.timed)) or "")


def test_deterministic_algorithms_are_off_again_after_the_gate():
    case = case_of()
    Gate(case, seed=3).refusal(case.candidates[0], squares)
    assert not torch.are_deterministic_algorithms_enabled()


def test_who_promises_less_is_held_to_what_it_promises():
    case = case_of()
    peer = Candidate("peer", lambda: value_off, peer="peer 1.0", tolerance=Tolerance(1e-2, 0.0, 1e-5))
    assert Gate(case, seed=3).refusal(peer, value_off) is None
    assert Gate(case, seed=3).refusal(peer, gradient_off) is not None
