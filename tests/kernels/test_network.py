"""Networks in C: each kind of layer against float64, and what they must not do."""

from __future__ import annotations

import copy
import platform
from collections.abc import Iterator, Sequence

import pytest
import torch
from torch import Tensor, nn

from ablate.codecs.agustsson.encoder import Encoder
from ablate.codecs.agustsson.generator import Generator, ResidualBlock
from ablate.codecs.agustsson.settings import AgustssonSettings
from ablate.discriminators.build import build_discriminator
from ablate.discriminators.settings import DiscriminatorSettings
from ablate.kernels.library import missing
from ablate.kernels.network import FastForward, by_definition, disagreement, in_place_of, lacking, of_both, planned
from ablate.kernels.network.plan import Layer
from ablate.layers.norm import ChannelNorm
from ablate.layers.padding import ReflectConv2d, SameConv2d, SameConvTranspose2d
from ablate.objective import Choice
from ablate.rng import stream
from tests.kernels.flags import compiled_with

pytestmark = pytest.mark.skipif(missing("network") is not None, reason=str(missing("network")))
needs_halves = pytest.mark.skipif(lacking("bfloat16") is not None, reason=str(lacking("bfloat16")))

BLOCKS = AgustssonSettings(width=4, downsamplings=2, norm="channel", channels=2, residual_blocks=1, latent_norm="batch")
LAYERS = {
    "reflection": [ReflectConv2d(3, 16, 7)],
    "few outputs": [ReflectConv2d(16, 3, 7)],
    "one output": [SameConv2d(20, 1, 4)],
    "even kernel, stride 2": [SameConv2d(3, 20, 4, 2)],
    "odd kernel, stride 2": [SameConv2d(18, 33, 3, 2)],
    "transposed": [SameConvTranspose2d(40, 17, 3)],
    "transposed to few": [SameConvTranspose2d(5, 3, 5)],
    "kernel of one": [SameConv2d(7, 40, 1)],
    "rows of many places": [SameConv2d(56, 50, 3), nn.ReLU(), SameConvTranspose2d(50, 34, 4)],
    "two panels and a rest": [ReflectConv2d(16, 72, 3), nn.ReLU()],
    "winograd, reflection": [ReflectConv2d(32, 48, 3), nn.ReLU()],
    "winograd, zeros": [SameConv2d(48, 32, 3)],
    "winograd, residual": [ReflectConv2d(3, 32, 3), ResidualBlock(32, BLOCKS), ReflectConv2d(32, 64, 3)],
    "norm and leaky": [SameConv2d(3, 24, 3), ChannelNorm(24), nn.LeakyReLU(0.2), SameConv2d(24, 5, 3)],
    "residual": [ReflectConv2d(3, 4, 3), ResidualBlock(4, BLOCKS)],
    "residual without norm": [ReflectConv2d(3, 4, 3), ResidualBlock(4, AgustssonSettings(norm="none"))],
}


def seeded(module: nn.Module) -> nn.Module:
    """Gives every weight a value of its own, norms and biases too."""
    generator = stream(0, "test.weights")
    for weight in module.parameters():
        nn.init.normal_(weight, 0.1, 0.3, generator=generator)
    return module


def discriminator(**settings: object) -> nn.Module:
    return build_discriminator(DiscriminatorSettings(width=4, layers=2, norm="channel", **settings), 0)


def image(*shape: int) -> Tensor:
    return torch.rand(shape or (2, 3, 16, 24), generator=stream(0, "test.image")) * 2 - 1


@pytest.fixture(params=["of vectors", "of tiles where there are any"])
def products(request: pytest.FixtureRequest) -> Iterator[None]:
    """Products of bfloat16 by both kinds of instructions."""
    with compiled_with(*["-DWITHOUT_TILES"] if request.param == "of vectors" else []):
        yield


def flat(outputs: Tensor | Sequence) -> list[Tensor]:
    return [outputs] if isinstance(outputs, Tensor) else [tensor for each in outputs for tensor in flat(each)]


@pytest.mark.parametrize("size", [(2, 16, 16), (3, 9, 13), (1, 3, 2), (5, 33, 40)], ids=str)
@pytest.mark.parametrize("name", LAYERS)
def test_layers_and_their_gradients_are_those_of_float64(name: str, size: tuple[int, int, int]) -> None:
    module = seeded(nn.Sequential(*copy.deepcopy(LAYERS[name])))
    assert [str(node) for node in planned(module).rest] == ["input_1", "output"]
    assert disagreement(module, size) is None


@needs_halves
@pytest.mark.usefixtures("products")
@pytest.mark.parametrize("size", [(2, 16, 16), (3, 9, 13), (1, 3, 2), (5, 33, 40)], ids=str)
@pytest.mark.parametrize("name", LAYERS)
def test_layers_of_bfloat16_are_off_by_no_more_than_autocast(name: str, size: tuple[int, int, int]) -> None:
    assert disagreement(seeded(nn.Sequential(*copy.deepcopy(LAYERS[name]))), size, "bfloat16") is None


@needs_halves
@pytest.mark.usefixtures("products")
def test_bfloat16_in_c_is_nearer_to_float64_than_autocast() -> None:
    module = seeded(
        nn.Sequential(ReflectConv2d(3, 32, 3), nn.ReLU(), SameConv2d(32, 48, 4, 2), SameConvTranspose2d(48, 8, 3))
    )
    x, exact = image().requires_grad_(), copy.deepcopy(module).double()
    with torch.autocast("cpu", torch.bfloat16):
        by_autocast = module(x)
    found = FastForward(module, planned(module), "bfloat16")(x)
    expected = exact(x.double())

    def off(output: Tensor) -> list[float]:
        tensors = output.detach(), *torch.autograd.grad(output.float().square().sum(), [x, *module.parameters()])
        return [float((a - b).norm() / b.norm()) for a, b in zip(tensors, references, strict=True)]

    references = expected.detach(), *torch.autograd.grad(expected.square().sum(), [x, *exact.parameters()])
    ours, theirs = off(found), off(by_autocast)
    assert all(mine < 0.02 for mine in ours)
    assert sum(ours) < sum(theirs)


@pytest.mark.skipif(platform.machine() != "x86_64", reason="the flags are those of x86")
@pytest.mark.parametrize("lanes", ["-mno-avx512f", "-mno-avx"])
def test_narrower_vectors_agree_too(lanes: str) -> None:
    with compiled_with(lanes):
        for name in ("few outputs", "norm and leaky", "transposed to few"):
            assert disagreement(seeded(nn.Sequential(*copy.deepcopy(LAYERS[name]))), (2, 9, 13)) is None


@pytest.mark.parametrize("precision", ["float32", pytest.param("bfloat16", marks=needs_halves)])
@pytest.mark.parametrize("threads", [1, 2])
def test_the_networks_of_a_training_agree_with_any_number_of_threads(threads: int, precision: str) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    wide = seeded(nn.Sequential(ReflectConv2d(3, 64, 7), SameConv2d(64, 96, 4, 2), SameConvTranspose2d(96, 40, 3)))
    try:
        for module in (Encoder(BLOCKS), Generator(BLOCKS), discriminator(scales=2, spectral_norm=True), wide):
            assert disagreement(module, (3, 24, 24), precision) is None
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("precision", ["float32", pytest.param("bfloat16", marks=needs_halves)])
def test_a_wrong_layer_is_found(precision: str, monkeypatch: pytest.MonkeyPatch) -> None:
    right = Layer.geometry

    def shifted(self: Layer, *size: int):
        numbers, out = right(self, *size)
        return [*numbers[:3], numbers[3] + 1, *numbers[4:]], out

    monkeypatch.setattr(Layer, "geometry", shifted)
    said = disagreement(discriminator(scales=1), precision=precision)
    assert said is not None
    assert "off by" in said


def test_what_c_has_not_is_computed_behind_it() -> None:
    module = Encoder(BLOCKS)
    other = copy.deepcopy(module)
    fast = FastForward(other, planned(other))
    x = image()
    torch.testing.assert_close(fast(x), module(x))
    torch.testing.assert_close(other[-1].running_var, module[-1].running_var)
    assert other[-1].num_batches_tracked == 1


def test_a_discriminator_keeps_its_outputs_form_and_arguments() -> None:
    module = discriminator(scales=2)
    fast = FastForward(module, planned(module))
    found, expected = fast(image(), None), module(image())
    assert type(found) is type(expected)
    assert [len(each) for each in found.features] == [2, 2]
    for mine, other in zip(flat(found), flat(expected), strict=True):
        torch.testing.assert_close(mine, other, atol=1e-5, rtol=1e-5)


def test_two_batches_take_one_pass_where_each_image_is_for_itself() -> None:
    passes: list[int] = []
    module = discriminator(scales=2)
    module.register_forward_hook(lambda _module, given, _output: passes.append(len(given[0])))
    expected = [module(image()), module(-image())]
    passes.clear()
    with in_place_of(module, FastForward(module, planned(module))):
        found = of_both(module, image(), -image(), None)
    assert passes == [4]
    assert type(found[0]) is type(expected[0])
    for mine, other in zip(flat(found), flat(expected), strict=True):
        torch.testing.assert_close(mine, other, atol=1e-5, rtol=1e-5)


def test_two_batches_stay_apart_where_a_norm_runs_over_the_batch() -> None:
    module, by_hand = Encoder(BLOCKS), Encoder(BLOCKS)
    by_hand.load_state_dict(module.state_dict())
    with in_place_of(module, FastForward(module, planned(module))):
        found = of_both(module, image(), 2 * image())
    for mine, other in zip(found, (by_hand(image()), by_hand(2 * image())), strict=True):
        torch.testing.assert_close(mine, other, atol=1e-5, rtol=1e-5)


def test_frozen_weights_get_no_gradient_and_the_image_gets_its_own() -> None:
    module = discriminator(scales=2)
    x, other = image().requires_grad_(), image().requires_grad_()
    flat(module(other))[1].sum().backward()
    module.zero_grad(set_to_none=True)
    module.requires_grad_(False)
    flat(FastForward(module, planned(module))(x))[1].sum().backward()
    torch.testing.assert_close(x.grad, other.grad, atol=1e-5, rtol=1e-5)
    assert all(weight.grad is None for weight in module.parameters())


def test_gradients_can_be_taken_twice_from_one_pass() -> None:
    module = discriminator(scales=2)
    outputs = flat(FastForward(module, planned(module))(image()))
    loss = torch.stack([each.square().mean() for each in outputs]).sum()
    first, second = (torch.autograd.grad(loss, list(module.parameters()), retain_graph=True) for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def test_a_second_derivative_is_refused_and_the_definition_has_it() -> None:
    module, x = discriminator(scales=1), image().requires_grad_()
    with in_place_of(module, FastForward(module, planned(module))):
        with pytest.raises(RuntimeError, match="no second derivative"):
            torch.autograd.grad(flat(module(x))[0].sum(), x, create_graph=True)
        with by_definition(module):
            (gradient,) = torch.autograd.grad(flat(module(x))[0].sum(), x, create_graph=True)
        gradient.square().sum().backward()
        assert "forward" in module.__dict__
    assert "forward" not in module.__dict__


def test_weights_that_were_changed_before_the_backward_pass_are_an_error() -> None:
    module = discriminator(scales=1)
    outputs = flat(FastForward(module, planned(module))(image()))
    with torch.no_grad():
        next(module.parameters()).add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        outputs[0].sum().backward()


def test_nan_is_not_lost_in_a_relu() -> None:
    module = nn.Sequential(ReflectConv2d(3, 8, 3), nn.ReLU())
    x = image()
    x[0, 0, 5, 5] = torch.nan
    assert FastForward(module, planned(module))(x)[0, :, 5, 5].isnan().all()


class Branching(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = SameConv2d(3, 4, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x) if x.sum() > 0 else x


def test_a_module_that_cannot_be_followed_keeps_its_definition_with_the_reason() -> None:
    said: list[str] = []
    choice = Choice("auto", "cpu", log=lambda _role, text: said.append(text))
    assert choice.module("network.codec", Branching(), "float32") is None
    assert choice.selected == {"network.codec": "eager"}
    assert "cannot be followed" in said[0]


@pytest.mark.parametrize(
    ("previous", "taken"),
    [({}, "native"), ({"network.generator": "native"}, "native"), ({"distortion": "native"}, "eager")],
)
def test_a_training_from_before_there_were_networks_in_c_goes_on_by_definition(previous: dict, taken: str) -> None:
    choice = Choice("auto", "cpu", previous)
    choice.module("network.generator", Generator(BLOCKS), "float32")
    assert choice.selected["network.generator"] == taken
