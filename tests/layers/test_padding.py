"""TensorFlow's paddings, against sizes and values worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ablate.layers.padding import (
    ReflectConv2d,
    SameConv2d,
    SameConvTranspose2d,
    average_pool_same,
    pad_reflect,
    pad_to_multiple,
    same_padding,
)


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "expected"),
    [(8, 3, 2, (0, 1)), (7, 3, 2, (1, 1)), (8, 4, 2, (1, 1)), (7, 4, 2, (1, 2)), (8, 4, 1, (1, 2)), (1, 4, 2, (1, 2))],
)
def test_same_padding_puts_the_odd_pixel_behind(size: int, kernel: int, stride: int, expected: tuple) -> None:
    assert same_padding(size, kernel, stride) == expected


@pytest.mark.parametrize("size", [1, 2, 5, 16, 33])
@pytest.mark.parametrize(("kernel", "stride"), [(3, 2), (4, 2), (4, 1)])
def test_same_convolution_gives_the_size_divided_by_the_stride_rounded_up(size: int, kernel: int, stride: int) -> None:
    out = SameConv2d(1, 1, kernel, stride)(torch.zeros(1, 1, size, size + 1))
    assert out.shape[-2:] == (-(-size // stride), -(-(size + 1) // stride))


def test_strided_convolution_of_even_input_starts_at_the_first_pixel() -> None:
    layer = SameConv2d(1, 1, 3, 2)
    with torch.no_grad():
        layer.conv.weight.zero_()[0, 0, 0, 0] = 1
        layer.conv.bias.zero_()
    x = torch.arange(16.0).reshape(1, 1, 4, 4)
    assert torch.equal(layer(x), x[..., ::2, ::2])


def test_transposed_convolution_of_kernel_3_keeps_the_input_at_even_positions() -> None:
    layer = SameConvTranspose2d(1, 1, 3)
    with torch.no_grad():
        layer.conv.weight.zero_()[0, 0, 0, 0] = 1
        layer.conv.bias.zero_()
    x = torch.arange(6.0).reshape(1, 1, 2, 3)
    out = layer(x)
    assert out.shape == (1, 1, 4, 6)
    assert torch.equal(out[..., ::2, ::2], x)
    assert out.sum() == x.sum()


def test_transposed_convolution_of_kernel_5_drops_one_pixel_before_and_two_behind() -> None:
    layer = SameConvTranspose2d(1, 1, 5)
    with torch.no_grad():
        layer.conv.weight.zero_()[0, 0, 1, 1] = 1
        layer.conv.bias.zero_()
    x = torch.arange(6.0).reshape(1, 1, 2, 3)
    assert torch.equal(layer(x)[..., ::2, ::2], x)


def test_reflecting_convolution_works_down_to_one_pixel() -> None:
    layer = ReflectConv2d(1, 1, 7)
    for size in (1, 2, 3, 4, 9):
        assert layer(torch.zeros(1, 1, size, size)).shape == (1, 1, size, size)


@pytest.mark.parametrize(("height", "width", "mode"), [(3, 5, "reflect"), (2, 5, "edge"), (5, 2, "edge")])
def test_a_side_that_is_too_short_to_reflect_repeats_its_edge_on_all_sides(height: int, width: int, mode: str) -> None:
    x = torch.arange(float(height * width)).reshape(1, 1, height, width)
    assert np.array_equal(pad_reflect(x, 2)[0, 0].numpy(), np.pad(x[0, 0].numpy(), 2, mode=mode))


@pytest.mark.parametrize("size", [1, 2, 3, 5, 8])
def test_pooling_averages_only_pixels_that_exist(size: int) -> None:
    x = torch.full((1, 1, size, size), 3.0)
    out = average_pool_same(x)
    assert out.shape[-1] == -(-size // 2)
    torch.testing.assert_close(out, torch.full_like(out, 3.0))


def test_pooling_of_even_and_odd_sides_has_the_hand_values() -> None:
    even = average_pool_same(torch.arange(4.0).reshape(1, 1, 1, 4).expand(1, 1, 4, 4))[0, 0, 0]
    assert even.tolist() == [1.0, 2.5]
    odd = average_pool_same(torch.arange(5.0).reshape(1, 1, 1, 5).expand(1, 1, 5, 5))[0, 0, 0]
    assert odd.tolist() == [0.5, 2.0, 3.5]
    both = average_pool_same(torch.arange(5.0).reshape(1, 1, 1, 5) + 10 * torch.arange(4.0).reshape(1, 1, 4, 1))
    assert both[0, 0].tolist() == [[10.5, 12.0, 13.5], [25.5, 27.0, 28.5]]
    assert torch.equal(average_pool_same(both.mT), average_pool_same(both).mT)


def test_padding_to_a_multiple_reflects_without_repeating_the_edge() -> None:
    x = torch.arange(5.0).reshape(1, 1, 1, 5)
    assert pad_to_multiple(x, 8)[0, 0, 0].tolist() == [0, 1, 2, 3, 4, 3, 2, 1]
    assert pad_to_multiple(x, 8).shape == (1, 1, 8, 8)


def test_padding_to_a_multiple_leaves_fitting_images_alone_and_repeats_tiny_ones() -> None:
    x = torch.arange(16.0).reshape(1, 1, 4, 4)
    assert torch.equal(pad_to_multiple(x, 4), x)
    assert pad_to_multiple(torch.tensor([[[[7.0]]]]), 16).unique().tolist() == [7.0]
    assert pad_to_multiple(torch.tensor([[[[1.0, 2.0]]]]), 4)[0, 0, 0].tolist() == [1, 2, 1, 2]
