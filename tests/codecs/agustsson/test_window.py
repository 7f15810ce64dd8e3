"""Windows: what a part of an output depends on, found by changing the input."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from ablate.codecs.agustsson.window import Span, is_local, needed, tiles
from ablate.codecs.build import build_codec
from ablate.config import Model
from ablate.layers.norm import ChannelNorm, InstanceNorm
from ablate.layers.padding import ReflectConv2d, SameConv2d, SameConvTranspose2d
from ablate.rng import stream

SIZE = 24
LAYERS = {
    "reflect 3": ReflectConv2d(1, 1, 3),
    "reflect 7": ReflectConv2d(1, 1, 7),
    "stride 2": SameConv2d(1, 1, 3, stride=2),
    "stride 2 twice": nn.Sequential(SameConv2d(1, 1, 3, stride=2), nn.ReLU(), SameConv2d(1, 1, 3, stride=2)),
    "kernel 4 stride 2": SameConv2d(1, 1, 4, stride=2),
    "transposed 3": SameConvTranspose2d(1, 1, 3),
    "transposed 5 twice": nn.Sequential(SameConvTranspose2d(1, 1, 5), ChannelNorm(1), SameConvTranspose2d(1, 1, 5)),
    "one by one": nn.Conv2d(1, 1, 1),
}


@pytest.mark.parametrize("name", LAYERS)
def test_the_window_of_an_output_is_exactly_what_changes_it(name: str) -> None:
    layers = LAYERS[name]
    for parameter in layers.parameters():
        nn.init.ones_(parameter)
    image = torch.rand(1, 1, SIZE, 4, generator=stream(0, "window"), requires_grad=True)
    # Channel norm of one channel is constant: left in for its window, out of the gradient.
    plain = nn.Sequential(*[each for each in layers if not isinstance(each, ChannelNorm)]) if isinstance(
        layers, nn.Sequential
    ) else layers  # fmt: skip
    output = plain(image)
    for position in range(output.shape[-2]):
        (gradient,) = torch.autograd.grad(output[0, 0, position].sum(), image, retain_graph=True)
        touched = gradient[0, 0].abs().sum(1).nonzero().flatten()
        window = needed(layers, Span(position, position + 1)).within(SIZE)
        assert window.start <= touched.min(), position
        assert window.stop > touched.max(), position
        if window.start >= 8 and window.stop <= SIZE - 8:  # where no padding mirrors what lies inside
            assert window == Span(int(touched.min()), int(touched.max()) + 1), position


def codec_parts(noise: bool = False, norm: str = "channel") -> tuple[nn.Module, nn.Module]:
    settings = Model(
        channels=2, width=4, downsamplings=2, residual_blocks=2, norm=norm, latent_norm="batch", noise=noise
    )
    codec = build_codec(settings, 1).eval()
    return codec.encoder, codec.generator


def in_tiles(layers: nn.Module, whole: Tensor, like: Tensor, side: int) -> Tensor:
    result = torch.full_like(like, torch.nan)
    for each in tiles(layers, whole.shape[-2:], like.shape[-2:], side):
        each.put(layers(each.of(whole)), result)
    return result


@pytest.mark.parametrize("norm", ["channel", "none"])
@pytest.mark.parametrize("side", [1, 5, 8, 13, 1000])
@torch.inference_mode()
def test_encoder_and_generator_give_in_tiles_what_they_give_as_a_whole(norm: str, side: int) -> None:
    encoder, generator = codec_parts(norm=norm)
    image = torch.rand(1, 3, 52, 76, generator=stream(0, "image")) * 2 - 1
    latent = encoder(image)
    generated = generator(latent)
    # Convolutions of other sizes may sum in another order.
    torch.testing.assert_close(in_tiles(encoder, image, latent, side), latent, rtol=0, atol=1e-5)
    torch.testing.assert_close(in_tiles(generator, latent, generated, 4 * side), generated, rtol=0, atol=1e-5)


@pytest.mark.parametrize("size", [(4, 400), (8, 200), (400, 4), (12, 60)])
@torch.inference_mode()
def test_a_narrow_image_is_padded_in_tiles_as_it_is_as_a_whole(size: tuple[int, int]) -> None:
    encoder, generator = codec_parts()
    image = torch.rand(1, 3, *size, generator=stream(0, "image")) * 2 - 1
    latent = encoder(image)
    generated = generator(latent)
    torch.testing.assert_close(in_tiles(encoder, image, latent, 7), latent, rtol=0, atol=1e-5)
    torch.testing.assert_close(in_tiles(generator, latent, generated, 28), generated, rtol=0, atol=1e-5)


def test_a_span_is_widened_to_multiples_and_no_further() -> None:
    assert Span(3, 9).aligned(4) == Span(0, 12)
    assert Span(4, 8).aligned(4) == Span(4, 8)
    assert Span(5, 7).aligned(1) == Span(5, 7)
    encoder = codec_parts()[0]
    (*_, last) = tiles(encoder, (96, 400), (24, 100), 10)
    rows, columns = last.window
    assert (rows.stop, columns.stop) == (96, 400)
    # 4 x 4 latents of 4 pixels each, with what the layers look at around them, which is less than 20.
    assert 96 - 16 - 20 <= rows.start < 96 - 16
    assert 400 - 40 - 20 <= columns.start < 400 - 40


def test_instance_norm_has_no_window() -> None:
    assert is_local(codec_parts()[0])
    assert not is_local(codec_parts(norm="instance")[1])
    with pytest.raises(TypeError, match="InstanceNorm"):
        needed(InstanceNorm(3), Span(0, 1))
