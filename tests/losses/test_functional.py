"""SSIM and MS-SSIM as pytorch-msssim has them, in value and gradient, so that a program changes its import alone."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
import torch
from torch import Tensor

from ablate.losses import functional, structure
from ablate.losses.catalogue import distortions

peer = pytest.importorskip("pytorch_msssim")
NAMES = ("ms_ssim", "ssim")
KERNELS = ("auto", "eager")


def pair(*shape: int, data_range: float = 1.0, noise: float = 0.2) -> tuple[Tensor, Tensor]:
    """Images of [0, data_range] that are smooth, and noisy ones, float64."""
    generator = torch.Generator().manual_seed(9)
    rough = torch.rand(*shape, dtype=torch.float64, generator=generator)
    smooth = rough.cumsum(-1).sin() / 3 + 0.5
    other = (0.9 * smooth + noise * torch.randn(*shape, dtype=torch.float64, generator=generator)).clamp(0, 1)
    return data_range * smooth, data_range * other


def differentiated(similarity, x: Tensor, y: Tensor, **options: Any) -> list[Tensor]:
    """The similarity, and its gradients by both images; images of a batch have different weights."""
    first, second = x.detach().requires_grad_(), y.detach().requires_grad_()
    value = similarity(first, second, **options)
    (value * torch.arange(1, value.numel() + 1).view_as(value)).sum().backward()
    return [value.detach(), first.grad, second.grad]


def assert_same(found: list[Tensor], expected: list[Tensor], gradient: float = 2e-4) -> None:
    torch.testing.assert_close(found[0].double(), expected[0].double(), rtol=0, atol=3e-6)
    for mine, other in zip(found[1:], expected[1:], strict=True):
        assert (mine - other).norm() <= gradient * other.norm()
        assert other.norm() > 0


@pytest.mark.parametrize("name", NAMES)
def test_arguments_are_those_of_pytorch_msssim_and_one_more(name: str) -> None:
    mine, theirs = (inspect.signature(getattr(module, name)).parameters for module in (functional, peer))
    assert [(each.name, each.default) for each in list(mine.values())[:-1]] == [
        (each.name, each.default) for each in theirs.values()
    ]
    assert list(mine)[-1] == "kernels"


@pytest.mark.parametrize("kernels", KERNELS)
@pytest.mark.parametrize("size_average", [True, False])
@pytest.mark.parametrize("data_range", [1.0, 255])
@pytest.mark.parametrize("name", NAMES)
def test_values_and_gradients_are_those_of_pytorch_msssim(name: str, data_range, size_average, kernels) -> None:
    x, y = pair(2, 3, 165, 178, data_range=data_range)
    options = {"data_range": data_range, "size_average": size_average}
    expected = differentiated(getattr(peer, name), x, y, **options)
    single = [each.float() for each in (x, y)]
    assert_same(differentiated(getattr(functional, name), *single, **options, kernels=kernels), expected)


@pytest.mark.parametrize("kernels", KERNELS)
@pytest.mark.parametrize(
    "options",
    [
        {"win_sigma": 2.0},
        {"win_size": 7},
        {"K": (0.02, 0.05)},
        {"win": torch.tensor([1.0, 2, 3, 4, 5, 6, 5, 4, 3, 2, 1]).div(36).repeat(3, 1, 1, 1)},
        {"win": torch.tensor([0.5, 0.3, 0.2]).repeat(3, 1, 1, 1)},
        {"win": torch.rand(3, 1, 1, 5, generator=torch.Generator().manual_seed(1)).softmax(-1)},
    ],
    ids=["sigma", "7 taps", "constants", "window", "lopsided", "a window a channel"],
)
@pytest.mark.parametrize("name", NAMES)
def test_every_window_and_constant_counts_as_it_does_there(name: str, options: dict, kernels) -> None:
    x, y = (each.float() for each in pair(2, 3, 164, 170))
    options |= {"data_range": 1.0}
    double = {key: value.double() if isinstance(value, Tensor) else value for key, value in options.items()}
    expected = differentiated(getattr(peer, name), x.double(), y.double(), **double)
    assert_same(differentiated(getattr(functional, name), x, y, **options, kernels=kernels), expected)
    plain = getattr(functional, name)(x, y, data_range=1.0, kernels=kernels)
    assert abs(plain - expected[0]) > 1e-4, "the option changes the result"


@pytest.mark.parametrize("kernels", KERNELS)
@pytest.mark.parametrize("weights", [[0.2, 0.3, 0.5], [0.5, 0.5], [1.0], [0.1, 0.4, 0.4, 0.3, 0.2], [0.0, 0.0, 1.0]])
def test_any_weights_of_the_levels_count_as_they_do_there(weights: list[float], kernels) -> None:
    x, y = (each.float() for each in pair(2, 2, 165, 171))
    expected = differentiated(peer.ms_ssim, x.double(), y.double(), data_range=1.0, weights=weights)
    assert_same(differentiated(functional.ms_ssim, x, y, data_range=1.0, weights=weights, kernels=kernels), expected)


@pytest.mark.parametrize("name", NAMES)
def test_volumes_are_compared_as_there(name: str) -> None:
    x, y = pair(1, 2, 17, 18, 19)
    options = {"data_range": 1.0} | ({"win_size": 3, "weights": [0.4, 0.6]} if name == "ms_ssim" else {})
    if name == "ms_ssim":  # which refuses less than 33 pixels there, for 5 levels that are not asked for
        x, y = pair(1, 1, 33, 34, 35)
    expected = differentiated(getattr(peer, name), x, y, **options)
    assert_same(differentiated(getattr(functional, name), x, y, **options), expected)


def test_sides_of_one_pixel_are_left_out_and_short_ones_not_averaged_over_as_there() -> None:
    x, y = pair(2, 1, 1, 24, 24)
    assert functional.ssim(x, y, data_range=1.0) == pytest.approx(peer.ssim(x, y, data_range=1.0).item(), abs=1e-6)
    x, y = (each.float() for each in pair(2, 3, 7, 24))
    with pytest.warns(UserWarning, match="Skipping"):
        expected = peer.ssim(x, y, data_range=1.0)
    with pytest.warns(UserWarning, match="shorter than the window of 11"):
        assert functional.ssim(x, y, data_range=1.0) == pytest.approx(expected.item(), abs=1e-6)


@pytest.mark.parametrize("kernels", KERNELS)
def test_negative_similarities_are_kept_or_clipped_as_asked(kernels) -> None:
    x, _ = (each.float() for each in pair(2, 3, 40, 40))
    y = 1 - x
    y[1] = x[1] * 0.9
    for nonnegative in (False, True):
        options = {"data_range": 1.0, "size_average": False, "nonnegative_ssim": nonnegative}
        expected = differentiated(peer.ssim, x.double(), y.double(), **options)
        found = differentiated(functional.ssim, x, y, **options, kernels=kernels)
        assert_same(found, expected)
        assert (found[0][0] < 0) is not nonnegative or found[0][0] == 0


@pytest.mark.parametrize("kernels", KERNELS)
def test_a_plane_below_zero_at_a_level_that_counts_is_zero_without_a_gradient(kernels) -> None:
    x, _ = (each.float() for each in pair(2, 1, 165, 165))
    y = 1 - x
    found = differentiated(functional.ms_ssim, x, y, data_range=1.0, kernels=kernels)
    assert found[0] == 0
    assert found[1].abs().max() == 0
    assert peer.ms_ssim(x, y, data_range=1.0) == 0
    # A level without a weight does not clip.
    weights = [0.0, 1.0]
    x, y = pair(1, 1, 165, 165, noise=0.0)
    y = (y + 0.5 * (torch.arange(165) % 2)).float()
    kept = functional.ms_ssim(x.float(), y, data_range=1.0, weights=weights, kernels=kernels)
    assert kept == pytest.approx(peer.ms_ssim(x, y.double(), data_range=1.0, weights=weights).item(), abs=3e-6)


def test_one_image_or_none_is_differentiated_and_the_value_stays() -> None:
    x, y = (each.float() for each in pair(2, 3, 165, 165))
    value, of_x, of_y = differentiated(functional.ms_ssim, x, y, data_range=1.0)
    for which, expected in ((0, of_x), (1, of_y)):
        given = [each.detach().requires_grad_(index == which) for index, each in enumerate((x, y))]
        functional.ms_ssim(*given, data_range=1.0).backward()
        assert torch.equal(given[which].grad, expected)
        assert given[1 - which].grad is None
    with torch.no_grad():
        alone = functional.ms_ssim(x.requires_grad_(), y, data_range=1.0)
    assert not alone.requires_grad
    torch.testing.assert_close(alone, value, rtol=0, atol=1e-7)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_is_compared_in_float32(dtype: torch.dtype) -> None:
    x, y = (each.to(dtype) for each in pair(1, 3, 165, 165))
    with torch.autocast("cpu", torch.bfloat16):
        value, of_x, _ = differentiated(functional.ms_ssim, x, y, data_range=1.0)
    assert (value.dtype, of_x.dtype) == (torch.float32, dtype)
    assert value == pytest.approx(peer.ms_ssim(x.double(), y.double(), data_range=1.0).item(), abs=3e-6)


@pytest.mark.filterwarnings("ignore")
def test_torch_compile_goes_around_it() -> None:
    x, y = (each.float() for each in pair(1, 1, 165, 165))
    compiled = torch.compile(lambda a, b: 2 * functional.ms_ssim(a, b, data_range=1.0), backend="eager")
    assert compiled(x, y) == pytest.approx(2 * functional.ms_ssim(x, y, data_range=1.0).item(), abs=1e-6)


def test_on_images_of_the_losses_range_it_is_one_minus_the_distortion() -> None:
    x, y = pair(2, 3, 165, 165)
    loss = distortions["ms_ssim"].function()(2 * x - 1, 2 * y - 1)
    assert functional.ms_ssim(x, y, data_range=1.0).item() == pytest.approx(1 - loss.item(), abs=1e-12)
    assert structure.gaussian(11, 1.5) == structure.TAPS


def test_definitions_can_be_differentiated_again_and_fast_forms_refuse() -> None:
    x, y = pair(1, 1, 20, 20)
    for given, kernels in ((x, "eager"), (x.float(), "auto")):
        leaf = given.detach().requires_grad_()
        value = functional.ssim(leaf, y.to(given.dtype), data_range=1.0, kernels=kernels)
        (gradient,) = torch.autograd.grad(value, leaf, create_graph=True)
        if kernels == "eager":
            gradient.square().sum().backward()
            assert leaf.grad.norm() > 0
        else:
            with pytest.raises(RuntimeError, match="no second derivative"):
                gradient.square().sum().backward()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"Y": torch.zeros(1, 3, 170, 171)}, "images of one shape are compared"),
        ({"X": torch.zeros(1, 3, 170, 170, dtype=torch.uint8)}, r"not torch.uint8: call .float\(\)"),
        ({"X": torch.zeros(170, 170), "Y": torch.zeros(170, 170)}, r"images are \(N, C, H, W\)"),
        ({"win_size": 10}, "an odd number of taps, not 10"),
        ({"win": torch.ones(2, 1, 1, 11)}, r"a window is \(C, 1, …, 1, taps\) for 3 channels, not \(2, 1, 1, 11\)"),
        ({"data_range": 0}, "data_range is the value of white, above 0, not 0"),
        ({"kernels": "fast"}, "choice of kernels 'fast'"),
        ({"weights": []}, "exponents of one level or more"),
        ({"weights": [0.5, -0.5]}, "none below 0"),
        ({"win_size": 13}, "needs sides of at least 193 pixels, not 170"),
    ],
)
def test_mistakes_are_told_in_a_sentence(change: dict[str, Any], message: str) -> None:
    given = {"X": torch.zeros(1, 3, 170, 170), "Y": torch.zeros(1, 3, 170, 170)} | change
    with pytest.raises(ValueError, match=message):
        functional.ms_ssim(**given)
