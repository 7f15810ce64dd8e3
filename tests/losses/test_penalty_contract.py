"""The contract of every registered penalty, also with the discriminators of the product."""

from __future__ import annotations

import numbers

import pytest
import torch
from torch import Tensor
from torch.autograd import gradcheck
from torch.func import functional_call

from ablate.config import DiscriminatorSettings
from ablate.discriminators.catalogue import discriminators
from ablate.discriminators.discriminator import Discriminator
from ablate.losses.catalogue import penalties
from ablate.losses.penalized import PenaltyInputs
from ablate.rng import stream
from tests.losses.penalty_inputs import (
    IMAGE,
    RECONSTRUCTION,
    Curved,
    Memory,
    built,
    drawn,
    inputs,
    linear,
    quadratic,
    terms,
)

NAMES = list(penalties)
CONSTRAINTS = ("clip",)
TERMS = [name for name in NAMES if name not in CONSTRAINTS]
DRAWING = ("gp", "lp", "div", "dragan", "maxgp", "ar1", "ar2", "cr", "bcr")

ALTERNATIVES: dict[str, object] = {
    "weight": 0.7,
    "reconstruction_weight": 0.7,
    "reduction": "sqrt",
    "norm": "pixel",
    "half": None,  # the other one
    "every": 3,
    "power": 4.0,
    "variant": "compare_gan",
    "sigma": 0.05,
    "translation": 0.25,
    "flip": None,
    "decay": 0.5,
    "bound": 0.2,
}
"""Another value than the default of each option."""


def test_every_row_of_the_catalogue_is_registered() -> None:
    assert set(NAMES) == {
        "gp", "lp", "div", "r1", "r2", "dragan", "maxgp", "ar1", "ar2", "cr", "bcr", "lecam", "drift", "clip",
    }  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_facts_and_ranges_belong_to_the_options(name: str) -> None:
    entry = penalties[name]
    assert entry.formula
    assert entry.source
    assert entry.facts["convention"]
    for option, (least, most) in entry.facts["ranges"].items():
        default = entry.options[option].default
        assert least <= default <= most, option
    measured = {option for option, p in entry.options.items() if type(p.default) in (int, float)}
    assert set(entry.facts["ranges"]) == measured


@pytest.mark.parametrize("name", NAMES)
def test_every_option_changes_the_result(name: str) -> None:
    entry = penalties[name]

    def outcome(options: dict[str, object]) -> list[float]:
        penalty, curved, memory = built(name, options), steep(), {}
        if penalty.constrain:
            penalty.constrain(curved)
            return [weight.abs().max().item() for weight in curved.parameters()]
        terms(penalty, inputs(curved, image=-IMAGE, memory=memory))
        return [term.item() for term in terms(penalty, inputs(curved, memory=memory))]

    default = outcome({})
    assert outcome(entry.resolve({})) == default
    for option, parameter in entry.options.items():
        other = not parameter.default if isinstance(parameter.default, bool) else ALTERNATIVES[option]
        assert other != parameter.default
        changed = outcome({option: other})
        assert all(a != b for a, b in zip(default, changed, strict=True)), option


def steep() -> Curved:
    """A tiny net whose gradient norm is above 1, so that one-sided penalties have something to say."""
    curved = Curved()
    for last in curved.last:
        last.weight.data *= 20
    return curved


@pytest.mark.parametrize("name", TERMS)
def test_gradients_in_the_weights_agree_with_finite_differences(name: str) -> None:
    curved = steep()
    names, weights = zip(*curved.named_parameters(), strict=True)

    def penalized(*values: Tensor) -> Tensor:
        memory: Memory = {each: torch.tensor([0.3, -0.2], dtype=torch.float64) for each in ("real", "fake")}

        def logits(x: Tensor) -> list[Tensor]:
            return functional_call(curved, dict(zip(names, values, strict=True)), (x,))

        # LeCam's averages are constants to the gradient; at a decay of 1 they would be to finite differences as well.
        options: dict[str, object] = {"decay": 1 - 1e-15} if name == "lecam" else {}
        return torch.stack(terms(built(name, options), inputs(logits, memory=memory)))

    assert gradcheck(penalized, weights)


@pytest.mark.parametrize("name", TERMS)
def test_only_the_given_stream_decides_what_is_drawn(name: str) -> None:
    curved = steep()

    def outcome(seed: int) -> list[float]:
        return [term.item() for term in terms(built(name), inputs(curved, seed=seed))]

    torch.manual_seed(1)
    before, first = torch.get_rng_state(), outcome(0)
    assert torch.get_rng_state().equal(before)
    torch.manual_seed(2)
    assert outcome(0) == first
    assert (outcome(1) != first) == (name in DRAWING)


@pytest.mark.parametrize("name", TERMS)
def test_a_lazy_term_is_as_many_times_larger(name: str) -> None:
    if "every" not in penalties[name].options:
        assert built(name).every == 1
        return
    lazy, eager = built(name, {"every": 16}), built(name)
    assert (lazy.every, eager.every) == (16, 1)
    for large, small in zip(terms(lazy, inputs(steep())), terms(eager, inputs(steep())), strict=True):
        assert large.item() == pytest.approx(16 * small.item())


@pytest.mark.parametrize("name", TERMS)
def test_logits_of_ten_thousand_are_finite_in_float32(name: str) -> None:
    weights = (3e4 * drawn("large", 1, 3, 4, 4, dtype=torch.float32)).requires_grad_()
    looked_at = inputs(linear(weights), IMAGE.float(), RECONSTRUCTION.float())
    assert looked_at.real[0].abs().max() > 1e4
    for reduction in ("mean", "sum") if "reduction" in penalties[name].options else (None,):
        (term,) = terms(built(name, {"reduction": reduction} if reduction else {}), looked_at)
        (gradient,) = torch.autograd.grad(term, weights, retain_graph=True)
        assert term.dtype == torch.float32
        assert term.isfinite()
        assert gradient.isfinite().all()


def test_what_is_second_order_differentiates_a_gradient_and_nothing_else_does(monkeypatch: pytest.MonkeyPatch) -> None:
    called = []
    original = torch.autograd.grad
    monkeypatch.setattr(torch.autograd, "grad", lambda *args, **kw: called.append(kw) or original(*args, **kw))
    for name in TERMS:
        called.clear()
        terms(built(name), inputs(quadratic()))
        assert bool(called) == bool(penalties[name].facts["second_order"]), name  # None is not said, and does not
        assert all(each["create_graph"] for each in called)


@pytest.fixture(scope="module", params=["instance", "channel", "none"])
def discriminator(request: pytest.FixtureRequest) -> Discriminator:
    settings = DiscriminatorSettings(scales=2, width=4, layers=2, norm=request.param)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        made = discriminators["patch"].function(settings, None)
    for scale in made:
        # Steep enough for one-sided penalties to have something to say.
        scale.logits.conv.weight.data *= 3000
    return made


@pytest.mark.parametrize("name", NAMES)
def test_the_products_discriminators_get_one_scalar_a_scale_and_the_codec_gets_nothing(
    name: str, discriminator: Discriminator
) -> None:
    image, reconstruction = (drawn(each, 2, 3, 64, 64, dtype=torch.float32).requires_grad_() for each in ("x", "y"))
    penalty = built(name)
    if penalty.term is None:
        assert penalty.constrain is not None
        return
    real, fake = (discriminator(each.detach()).logits for each in (image, reconstruction))
    watched = PenaltyInputs(
        image=image,
        reconstruction=reconstruction,
        real=real,
        fake=fake,
        logits=lambda x: discriminator(x).logits,
        stream=stream(0, "penalty"),
    )
    found = list(penalty.term(watched))
    assert len(found) == len(discriminator) == 2
    for i, term in enumerate(found):
        assert term.shape == ()
        assert term.dtype == torch.float32
        assert term.isfinite()
        assert term >= 0
        discriminator.zero_grad()
        term.backward(retain_graph=True)
        gradients = [weight.grad for weight in discriminator[i].parameters() if weight.grad is not None]
        assert all(each.isfinite().all() for each in gradients)
        assert any(each.abs().max() > 0 for each in gradients), name
        others = [weight.grad for weight in discriminator[1 - i].parameters() if weight.grad is not None]
        assert all(each.abs().max() == 0 for each in others)
    assert image.grad is None
    assert reconstruction.grad is None


@pytest.mark.parametrize("name", NAMES)
def test_options_are_plain_values_with_defaults(name: str) -> None:
    for option, parameter in penalties[name].options.items():
        assert isinstance(parameter.default, (bool, str, numbers.Real)), option
