"""`kernels="auto"`: what other programs get in place of the definitions, wherever they call it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from ablate.kernels.adversarial.spec import FORMS
from ablate.kernels.asked import OPERATOR_OF
from ablate.kernels.forms import Fastest
from ablate.kernels.library import missing
from ablate.losses import PenaltyInputs, adversarial, distortion, penalty
from tests.beside import run_beside

needs_compiler = pytest.mark.skipif(missing("ms_ssim") is not None, reason=str(missing("ms_ssim")))
DISTORTIONS = ("mse", "l1", "charbonnier", "ms_ssim")
ADVERSARIAL = ("vanilla", "minimax", "lsgan", "lsgan_half", "lsgan_chi2", "hinge", "wgan")
PENALTIES = ("gp", "dragan", "r1", "r2")


def images(side: int = 264, dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor]:
    """An image and a reconstruction, large enough that every distortion's fast form pays."""
    generator = torch.Generator().manual_seed(3)
    image = torch.rand(1, 3, side, side, generator=generator) * 2 - 1
    noise = torch.rand(image.shape, generator=generator) * 2 - 1
    return image.to(dtype), (0.8 * image + 0.2 * noise).to(dtype)


def logits(dtype: torch.dtype = torch.float32) -> list[list[Tensor]]:
    generator = torch.Generator().manual_seed(4)
    shapes = ((2, 1, 110, 110), (2, 1, 9, 7))
    return [[2 * torch.randn(shape, generator=generator).to(dtype) for shape in shapes] for _ in range(2)]


def value_and_gradient(loss: Callable[[Sequence[Tensor]], Tensor], given: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    leaves = [each.detach().requires_grad_() for each in given]
    value = loss(leaves)
    gradients = torch.autograd.grad(value, leaves, materialize_grads=True, allow_unused=True)
    return value.detach(), torch.cat([each.flatten().double() for each in gradients])


def same(found: tuple[Tensor, Tensor], expected: tuple[Tensor, Tensor], value: float = 2e-6, slope: float = 1e-4):
    torch.testing.assert_close(found[0].double(), expected[0].double(), rtol=value, atol=1e-7)
    assert (found[1] - expected[1]).norm() <= slope * expected[1].norm()


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """For each time that a loss was asked for, whether fast code was found."""
    answers: list[bool] = []
    ask = Fastest.__call__

    def noted(self: Fastest, images: Sequence[Tensor], reconstructions: Sequence[Tensor]):
        found = ask(self, images, reconstructions)
        answers.append(found is not None)
        return found

    monkeypatch.setattr(Fastest, "__call__", noted)
    return answers


@needs_compiler
@pytest.mark.parametrize("name", DISTORTIONS)
def test_a_fast_distortion_is_its_definition_in_float64(name: str, asked: list[bool]) -> None:
    image, reconstruction = images()
    found = value_and_gradient(lambda x: distortion(name, kernels="auto")(image, x[0]), [reconstruction])
    same(found, value_and_gradient(lambda x: distortion(name)(image.double(), x[0]), [reconstruction.double()]))
    assert asked == [True]


@needs_compiler
@pytest.mark.parametrize("name", ADVERSARIAL)
def test_both_players_losses_are_their_definitions_in_float64(name: str, asked: list[bool]) -> None:
    real, fake = logits()
    several = len(real)

    def both(kernels, of: Sequence[Tensor]) -> Tensor:
        loss = adversarial(name, reduction="patch_weighted", kernels=kernels)
        return 2 * loss.discriminator(of[:several], of[several:]) + loss.generator((), of[several:])

    found = value_and_gradient(lambda x: both("auto", x), [*real, *fake])
    same(found, value_and_gradient(lambda x: both("eager", x), [each.double() for each in (*real, *fake)]))
    assert asked == [True, True]


@needs_compiler
@pytest.mark.parametrize("name", PENALTIES)
def test_a_fast_penalty_reaches_the_discriminators_weights_as_its_definition_does(name, asked: list[bool]) -> None:
    image, reconstruction = images(64)
    weight = torch.randn(4, 3, 4, 4, generator=torch.Generator().manual_seed(5)) / 7

    def term(kernels, weight: Tensor) -> Tensor:
        inputs = PenaltyInputs(
            image=image.to(weight.dtype),
            reconstruction=reconstruction.to(weight.dtype),
            real=(),
            fake=(),
            logits=lambda x: [nn.functional.conv2d(x, weight, stride=2).tanh().sum(1, keepdim=True)],
            stream=torch.Generator().manual_seed(6),
        )
        return penalty(name, kernels=kernels, reduction="sum").term(inputs)[0]

    found = value_and_gradient(lambda w: term("auto", w[0]), [weight])
    expected = value_and_gradient(lambda w: term("eager", w[0]), [weight])
    same(found, expected, 1e-5)
    assert expected[1].norm() > 0
    assert asked == [True]


@needs_compiler
@pytest.mark.parametrize("name", DISTORTIONS)
def test_without_gradients_there_is_the_value_alone(name: str, asked: list[bool]) -> None:
    image, reconstruction = images()
    reconstruction.requires_grad_()
    with torch.no_grad():
        value = distortion(name, kernels="auto")(image, reconstruction)
        assert value.item() == pytest.approx(distortion(name)(image, reconstruction).item(), rel=1e-5)
    assert not value.requires_grad
    assert asked == [True]


@needs_compiler
def test_under_autocast_losses_stay_what_they_are(asked: list[bool]) -> None:
    image, reconstruction = images()
    real, fake = logits()
    for loss in (
        lambda x: distortion("ms_ssim", kernels="auto")(image, x[0]),
        lambda x: adversarial("vanilla", kernels="auto").discriminator(real, [fake[0] + x[0].mean(), fake[1]]),
    ):
        expected = value_and_gradient(loss, [reconstruction])
        with torch.autocast("cpu", torch.bfloat16):
            found = value_and_gradient(loss, [reconstruction])
        assert found[0].dtype is torch.float32
        same(found, expected, 1e-7, 1e-6)
    assert asked == [True] * 4


@needs_compiler
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_is_computed_in_float32_and_gets_its_gradient_in_its_own_type(dtype, asked: list[bool]) -> None:
    image, reconstruction = images(dtype=dtype)
    leaf = reconstruction.requires_grad_()
    value = distortion("l1", kernels="auto")(image, leaf)
    value.backward()
    assert (value.dtype, leaf.grad.dtype) == (torch.float32, dtype)
    exact = distortion("l1")(image.double(), leaf.detach().double())
    assert value.item() == pytest.approx(exact.item(), rel=2e-6)
    real, fake = logits(dtype)
    assert adversarial("hinge", kernels="auto").discriminator(real, fake).dtype is torch.float32
    assert asked == [True, True]


@needs_compiler
@pytest.mark.parametrize("name", DISTORTIONS)
def test_channels_last_images_give_the_same(name: str, asked: list[bool]) -> None:
    image, reconstruction = images()
    expected = value_and_gradient(lambda x: distortion(name, kernels="auto")(image, x[0]), [reconstruction])
    there, here = (each.contiguous(memory_format=torch.channels_last) for each in (image, reconstruction))
    same(value_and_gradient(lambda x: distortion(name, kernels="auto")(there, x[0]), [here]), expected, 1e-6, 1e-6)
    assert asked == [True, True]


@needs_compiler
@pytest.mark.filterwarnings("ignore")
def test_torch_compile_goes_around_a_fast_loss_and_on_behind_it(asked: list[bool]) -> None:
    image, reconstruction = images(176)
    real, fake = logits()
    structure, player = distortion("ms_ssim", kernels="auto"), adversarial("lsgan", kernels="auto")

    def training_loss(x: Sequence[Tensor]) -> Tensor:
        return 2 * structure(image, (3 * x[0]).tanh()) + player.discriminator(
            real, [each * x[0].mean() for each in fake]
        )

    graphs: list[int] = []

    def counting(graph, _inputs):
        graphs.append(len(graph.graph.nodes))
        return graph.forward

    expected = value_and_gradient(training_loss, [reconstruction])
    same(value_and_gradient(torch.compile(training_loss, backend=counting), [reconstruction]), expected, 1e-6, 1e-6)
    assert asked == [True] * 4
    assert len(graphs) >= 2, "before the losses and behind them"


def test_what_has_no_fast_form_is_its_definition() -> None:
    assert (tuple(FORMS), tuple(OPERATOR_OF)) == (ADVERSARIAL, DISTORTIONS), "which the documentation names"
    image, reconstruction = images(48)
    for name in ("huber", "focal_frequency"):
        fast, plain = (distortion(name, kernels=kernels)(image, reconstruction) for kernels in ("auto", "eager"))
        assert torch.equal(fast, plain)
    fast, plain = (adversarial("rp_vanilla", kernels=kernels).discriminator(*logits()) for kernels in ("auto", "eager"))
    assert torch.equal(fast, plain)
    assert penalty("cr", kernels="auto").of_gradient is None


def test_small_images_and_float64_take_the_definition_without_a_word(asked: list[bool]) -> None:
    for dtype, side in ((torch.float32, 16), (torch.float64, 264)):
        image, reconstruction = images(side, dtype)
        fast, plain = (distortion("mse", kernels=kernels)(image, reconstruction) for kernels in ("auto", "eager"))
        assert torch.equal(fast, plain)
    assert asked == [False, False]


def test_tensors_on_two_devices_never_reach_fast_code(asked: list[bool]) -> None:
    image, reconstruction = images()
    assert Fastest("l1", "distortion", {"mse": 0.0, "l1": 1.0})([image.to("meta")], [reconstruction]) is None
    assert Fastest("l1", "distortion", {"mse": 0.0, "l1": 1.0})([image], [reconstruction.to("meta")]) is None


@needs_compiler
def test_a_second_derivative_is_refused_and_the_definition_has_it() -> None:
    image, reconstruction = images()
    leaf = reconstruction.requires_grad_()
    (gradient,) = torch.autograd.grad(distortion("l1", kernels="auto")(image, leaf), leaf, create_graph=True)
    with pytest.raises(RuntimeError, match=r'no second derivative.*kernels="eager"'):
        gradient.sum().backward()
    (gradient,) = torch.autograd.grad(distortion("mse")(image, leaf), leaf, create_graph=True)
    gradient.sum().backward()
    assert leaf.grad is not None


@pytest.mark.parametrize("find", [adversarial, distortion, penalty])
def test_another_choice_of_kernels_is_told_with_the_nearest(find) -> None:
    name = {adversarial: "hinge", distortion: "mse", penalty: "r1"}[find]
    with pytest.raises(ValueError, match=r"choice of kernels 'eagre'.*did you mean 'eager'"):
        find(name, kernels="eagre")


def test_mistaken_logits_are_refused_by_the_fast_form_too() -> None:
    loss = adversarial("hinge", kernels="auto")
    with pytest.raises(ValueError, match=r"needs logits \(N, 1, h, w\)"):
        loss.discriminator(torch.zeros(2, 2, 4, 4), torch.zeros(2, 2, 4, 4))
    with pytest.raises(ValueError, match="the image's logits are"):
        loss.generator(torch.zeros(1, 1, 4, 4), torch.zeros(2, 1, 4, 4))


@needs_compiler
def test_a_first_use_compiles_within_seconds_and_says_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    found = run_beside("tests.losses.first_use")
    assert found["told"] == []
    assert found["compiled"] == ["adversarial", "ms_ssim"]
    assert found["seconds"] < 60, "about four on an idle core"
    assert found["ms_ssim"] == pytest.approx([found["ms_ssim"][-1]] * 4, rel=1e-5)
    assert found["hinge"][0] == pytest.approx(found["hinge"][1], rel=1e-6)


def test_without_a_compiler_a_sentence_says_what_is_slower_and_results_are_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("CC", "no-such-compiler")
    found = run_beside("tests.losses.first_use")
    assert found["compiled"] == []
    slower = "which is slower than it could be: no C compiler (looked for $CC, cc, gcc, clang)"
    assert found["told"] == [
        f"ms_ssim is computed by channels_last, {slower}",
        f"hinge is computed by its definition, {slower}",
    ]
    assert found["ms_ssim"] == pytest.approx([found["ms_ssim"][-1]] * 4, rel=1e-5)
    assert found["hinge"][0] == found["hinge"][1]
