"""The quantizer in C: the definition's symbols and values, float64's gradient, and what it leaves to the definition."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor

from ablate.codecs.agustsson.quantizer import Quantizer
from ablate.codecs.agustsson.settings import ModelQuirks, QuantizerSettings
from ablate.kernels.library import missing
from ablate.kernels.network import in_place_of
from ablate.kernels.quantizer import FastQuantizer, disagreement
from ablate.objective import Choice
from ablate.rng import stream

pytestmark = pytest.mark.skipif(missing("quantizer") is not None, reason=str(missing("quantizer")))

EXTREMES = torch.tensor([float("nan"), float("inf"), -float("inf"), 1e38, -1e8, 0.5, -1.5, 70.0])


def quantizer(quirk: str | None = None, **settings: object) -> Quantizer:
    quirks = ModelQuirks.model_validate({quirk: True} if quirk else {})
    return Quantizer(QuantizerSettings.model_validate(settings), quirks)


def latent(*shape: int) -> Tensor:
    return 3 * torch.randn(shape or (2, 3, 9, 13), generator=stream(0, "test.latent"))


@pytest.mark.parametrize("temperature", [0.01, 1.0, 100.0])
@pytest.mark.parametrize("levels", [2, 5, 8, 64])
def test_it_agrees_with_float64(levels: int, temperature: float) -> None:
    assert disagreement(quantizer(levels=levels, temperature=temperature)) is None


def test_numbers_at_the_ends_of_float32_and_half_way_are_the_definitions() -> None:
    module, mine, other = quantizer(), EXTREMES.clone().requires_grad_(), EXTREMES.clone().requires_grad_()
    found, expected = FastQuantizer(module)(mine), module(other)
    assert torch.equal(found.symbols, expected.symbols)
    torch.testing.assert_close(found.values, expected.values, equal_nan=True)
    found.values.sum().backward()
    expected.values.sum().backward()
    torch.testing.assert_close(mine.grad, other.grad, equal_nan=True)


@pytest.mark.parametrize("order", ["contiguous", "channels last", "with gaps"])
def test_any_order_in_memory_gives_the_same(order: str) -> None:
    x, module = latent(2, 4, 6, 10), quantizer()
    given = {
        "contiguous": x,
        "channels last": x.contiguous(memory_format=torch.channels_last),
        "with gaps": x.repeat_interleave(2, -1)[..., ::2],
    }[order].requires_grad_()
    weight = latent(2, 4, 6, 10)
    found, expected = FastQuantizer(module)(given), module(x)
    torch.testing.assert_close(found.values, expected.values)
    assert torch.equal(found.symbols, expected.symbols)
    exact = x.double().requires_grad_()
    (gradient,) = torch.autograd.grad(found.values, given, weight)
    (wanted,) = torch.autograd.grad(copy.deepcopy(module).double()(exact).values, exact, weight.double())
    torch.testing.assert_close(gradient.double(), wanted, rtol=1e-4, atol=1e-6)


def test_a_wrong_quantizer_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    right = FastQuantizer.run

    def warmer(self: FastQuantizer, *given: object) -> tuple:
        values, symbols, slope = right(self, *given)
        return values, symbols, None if slope is None else slope * 1.001

    monkeypatch.setattr(FastQuantizer, "run", warmer)
    assert "the gradient is off by 0.001" in str(disagreement(quantizer()))
    monkeypatch.setattr(
        FastQuantizer, "run", lambda self, *given: (right(self, *given)[0] + 1, *right(self, *given)[1:])
    )
    assert disagreement(quantizer()) == "its values are not those of the definition"


def test_a_second_derivative_is_refused() -> None:
    x = latent().requires_grad_()
    with pytest.raises(RuntimeError, match="no second derivative"):
        torch.autograd.grad(FastQuantizer(quantizer())(x).values.sum(), x, create_graph=True)


@pytest.mark.parametrize(
    ("module", "said"),
    [
        (quantizer(centers="learned"), "no gradient for centers that are learned"),
        (quantizer("l1_dead_zone"), "no form for the quirks"),
        (quantizer("round_kills_encoder"), "no form for the quirks"),
    ],
)
def test_what_c_has_no_form_for_stays_with_the_definition(module: Quantizer, said: str) -> None:
    told: list[str] = []
    choice = Choice("auto", "cpu", log=lambda _role, text: told.append(text))
    assert choice.module("network.quantizer", module, "float32") is None
    assert choice.selected == {"network.quantizer": "eager"}
    assert said in told[0]


def test_a_training_that_had_networks_alone_in_c_keeps_the_quantizers_definition() -> None:
    choice = Choice("auto", "cpu", {"network.encoder": "native"})
    assert choice.module("network.quantizer", quantizer(), "float32") is None
    assert Choice("auto", "cpu").module("network.quantizer", quantizer(), "float32") is not None


def test_files_are_written_by_the_definition_again_behind_the_block() -> None:
    module = quantizer()
    with in_place_of(module, FastQuantizer(module)):
        assert "forward" in module.__dict__
    assert "forward" not in module.__dict__
