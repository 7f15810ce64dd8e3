"""Encoder, generator, noise branch and discriminator: sizes, counts and what reaches what."""

from __future__ import annotations

import pytest
import torch

from ablate.codecs.agustsson import tiles
from ablate.codecs.build import build_codec
from ablate.config import Cell, Data, DiscriminatorQuirks, DiscriminatorSettings, Model, ModelQuirks
from ablate.discriminators.build import build_discriminator
from ablate.evaluate.parameters import count_parameters
from ablate.rng import stream

TINY = Model(width=4, downsamplings=2, residual_blocks=1, norm="channel", latent_norm="batch", channels=2)


def image(height: int = 32, width: int = 32, n: int = 2) -> torch.Tensor:
    return torch.rand(n, 3, height, width, generator=stream(0, "test.image")) * 2 - 1


def test_paper_model_has_the_source_systems_parameter_counts() -> None:
    counts = count_parameters(Cell(data=Data(crop=256), model=Model(noise=False)))
    assert counts == {"encoder": 5_591_544, "generator": 154_942_563, "discriminator": 3 * 2_766_529}
    with_noise = count_parameters(Cell(data=Data(crop=256), model=Model(noise=True)))
    assert with_noise["generator"] == 155_011_683


@pytest.mark.parametrize("channels", [2, 4, 8, 16])
@pytest.mark.parametrize("downsamplings", [3, 4])
def test_latent_has_the_channels_and_stride_of_the_settings(channels: int, downsamplings: int) -> None:
    settings = TINY.model_copy(update={"channels": channels, "downsamplings": downsamplings})
    result = build_codec(settings, 0)(image(32, 48))
    assert result.symbols.shape == (2, channels, 32 >> downsamplings, 48 >> downsamplings)
    assert result.image.shape == (2, 3, 32, 48)
    assert result.image.abs().max() <= 1


@pytest.mark.parametrize("size", [(1, 1), (3, 50), (17, 16), (33, 31)])
@pytest.mark.parametrize("noise", [False, True])
def test_images_of_any_size_survive_compression(size: tuple[int, int], noise: bool) -> None:
    codec = build_codec(TINY.model_copy(update={"noise": noise}), 0).eval()
    with torch.inference_mode():
        symbols = codec.compress(image(*size, n=1))
        assert symbols.shape[-2:] == (-(-size[0] // 4), -(-size[1] // 4))
        assert codec.decompress(symbols, size, stream(0, "noise")).shape == (1, 3, *size)


@pytest.mark.parametrize("tiled", [False, True])
def test_an_encoder_whose_latents_are_no_numbers_writes_no_file(tiled: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    codec = build_codec(TINY, 0).eval()
    with torch.no_grad():
        codec.encoder[-1].weight.fill_(float("nan"))
    monkeypatch.setattr(tiles, "MEMORY_BYTES", 0 if tiled else tiles.MEMORY_BYTES)
    with torch.inference_mode(), pytest.raises(ValueError, match="latents are NaN"):
        codec.encode(torch.zeros(3, 64, 64, dtype=torch.uint8))


@pytest.mark.parametrize(("downsamplings", "size", "padding"), [(3, (17, 30), (7, 2)), (4, (33, 48), (15, 0))])
def test_an_image_is_reflected_up_to_the_stride_before_it_is_compressed(
    downsamplings: int, size: tuple[int, int], padding: tuple[int, int]
) -> None:
    codec = build_codec(TINY.model_copy(update={"downsamplings": downsamplings}), 0).eval()
    unpadded = image(*size, n=1)
    padded = torch.nn.functional.pad(unpadded, (0, padding[1], 0, padding[0]), mode="reflect")
    with torch.inference_mode():
        assert torch.equal(codec.compress(unpadded), codec(padded).symbols)


def test_latents_are_quantized_in_float32_whatever_the_networks_run_in() -> None:
    with torch.autocast("cpu", torch.bfloat16):
        result = build_codec(TINY, 0)(image())
    assert (result.latent.dtype, result.image.dtype) == (torch.float32, torch.bfloat16)


def test_gradient_reaches_every_parameter_of_encoder_and_generator() -> None:
    for norm, latent_norm in (("channel", "batch"), ("instance", "instance")):
        codec = build_codec(TINY.model_copy(update={"norm": norm, "latent_norm": latent_norm, "noise": True}), 0)
        codec(image(), stream(0, "noise")).image.square().mean().backward()
        for name, parameter in codec.named_parameters():
            assert parameter.grad is not None, name
        assert sum(float(p.grad.norm()) for p in codec.encoder.parameters() if p.grad is not None) > 1e-6


def test_noise_changes_the_image_at_batch_one_and_its_stream_repeats_it() -> None:
    codec = build_codec(TINY.model_copy(update={"noise": True}), 0)
    first, again, other = (codec(image(n=1), stream(seed, "noise")).image for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert (first - other).abs().max() > 1e-4


def test_more_scales_leave_the_first_discriminators_and_the_codec_as_they_were() -> None:
    settings = DiscriminatorSettings(width=4, layers=2, norm="channel")
    one, three = (build_discriminator(settings.model_copy(update={"scales": k}), 7) for k in (1, 3))
    for name, parameter in one.state_dict().items():
        assert torch.equal(parameter, three.state_dict()[name])


def test_building_uses_no_global_randomness() -> None:
    before = torch.random.get_rng_state()
    first, second = build_codec(TINY, 3), build_codec(TINY, 3)
    assert torch.equal(before, torch.random.get_rng_state())
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))
    assert not torch.equal(next(first.parameters()), next(build_codec(TINY, 4).parameters()))


def test_the_vectors_of_spectral_norm_are_a_function_of_seed_and_scale_alone() -> None:
    settings = DiscriminatorSettings(width=4, layers=2, norm="channel", scales=2, spectral_norm=True)
    before = torch.random.get_rng_state()
    first, again, other = (build_discriminator(settings, seed).state_dict() for seed in (3, 3, 4))
    assert torch.equal(before, torch.random.get_rng_state())
    vectors = [name for name in first if name.endswith("._u")]
    assert len(vectors) > 4
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert all(not torch.equal(first[name], other[name]) for name in vectors if first[name].numel() > 1)
    finest = [name for name in vectors if name.startswith("0.") and first[name].numel() > 1]
    assert all(not torch.equal(first[name], first["1" + name[1:]]) for name in finest)


def test_each_block_of_eight_by_eight_latents_has_one_vector_of_noise() -> None:
    branch = build_codec(TINY.model_copy(update={"noise": True}), 0).noise
    drawn = branch.sample((2, 9, 16), stream(0, "noise"), torch.device("cpu"))
    assert drawn.shape == (2, branch.noise_channels, 2, 2)
    assert branch(drawn, (9, 16)).shape == (2, TINY.channels, 9, 16)


@pytest.mark.parametrize("scales", [1, 2, 3, 4, 5])
def test_each_scale_judges_an_image_pooled_once_more(scales: int) -> None:
    settings = DiscriminatorSettings(width=4, layers=3, norm="channel", scales=scales)
    output = build_discriminator(settings, 0)(image(64, 64))
    assert [tuple(logits.shape[-2:]) for logits in output.logits] == [
        (max(8 >> k, 1), max(8 >> k, 1)) for k in range(scales)
    ]
    assert [len(features) for features in output.features] == [3] * scales


def test_instance_norm_on_a_single_pixel_is_its_shift() -> None:
    settings = DiscriminatorSettings(width=4, layers=2, norm="instance", scales=1)
    output = build_discriminator(settings, 0)(image(4, 4))
    assert output.features[0][-1].abs().max() == 0


def test_quirk_of_a_relu_before_the_quantizer_leaves_no_symbol_below_the_middle() -> None:
    settings = TINY.model_copy(update={"quirks": ModelQuirks(relu_before_quantizer=True)})
    assert build_codec(TINY, 0)(image()).symbols.min() < 2
    assert build_codec(settings, 0)(image()).symbols.min() == 2


def test_quirk_of_batch_norm_makes_the_noise_branch_blind_at_batch_one_alone() -> None:
    settings = TINY.model_copy(update={"noise": True, "quirks": ModelQuirks(noise_batch_norm=True)})
    codec = build_codec(settings, 0)
    for n, blind in ((1, True), (2, False)):
        first, other = (codec(image(n=n), stream(seed, "noise")).image for seed in (1, 2))
        assert torch.equal(first, other) is blind


def test_quirk_of_a_second_leaky_relu_shrinks_what_is_negative_behind_each_norm() -> None:
    settings = DiscriminatorSettings(width=4, layers=2, norm="channel", scales=1)
    quirk = settings.model_copy(update={"quirks": DiscriminatorQuirks(double_leaky_relu=True)})
    plain, twice = (build_discriminator(each, 0)(image()).features[0] for each in (settings, quirk))
    assert torch.equal(plain[0], twice[0])
    torch.testing.assert_close(twice[1], torch.where(plain[1] < 0, 0.2 * plain[1], plain[1]))


def test_quirk_of_a_sigmoid_squashes_the_logits() -> None:
    settings = DiscriminatorSettings(width=4, layers=2, norm="channel", scales=2)
    quirk = settings.model_copy(update={"quirks": DiscriminatorQuirks(sigmoid_logits=True)})
    plain, squashed = (build_discriminator(each, 0)(image()).logits for each in (settings, quirk))
    for one, other in zip(plain, squashed, strict=True):
        torch.testing.assert_close(other, one.sigmoid())


def test_spectral_norm_bounds_every_convolution_of_the_discriminators_and_its_vectors_are_drawn_by_name() -> None:
    settings = DiscriminatorSettings(width=4, layers=2, norm="channel", scales=2, spectral_norm=True)
    first, again, other = (build_discriminator(settings, seed) for seed in (0, 0, 1))
    for _ in range(50):
        first(image())
    weights = [layer.weight for layer in first.modules() if isinstance(layer, torch.nn.Conv2d)]
    assert len(weights) == 6
    for weight in weights:
        assert torch.linalg.matrix_norm(weight.flatten(1), 2).item() == pytest.approx(1, abs=0.02)
    assert all(
        torch.equal(a, b) for a, b in zip(again.buffers(), build_discriminator(settings, 0).buffers(), strict=True)
    )
    assert not all(torch.equal(a, b) for a, b in zip(again.buffers(), other.buffers(), strict=True))
