"""Large images in tiles, against the same images as a whole."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from ablate.codecs.agustsson import tiles
from ablate.codecs.agustsson.memory import available
from ablate.codecs.agustsson.tiles import Tiles, bytes_per_pixel
from ablate.codecs.build import build_codec
from ablate.codecs.trained import TrainedCodec
from ablate.config import Model
from ablate.rng import stream

CPU = torch.device("cpu")


def trained(**model: object) -> TrainedCodec:
    settings = {"channels": 2, "width": 4, "downsamplings": 2, "residual_blocks": 1, "norm": "channel"}
    made = Model(**{**settings, "latent_norm": "none", **model})
    return TrainedCodec.of(build_codec(made, 0), made, 0)


def symbols_of(codec: TrainedCodec, original: Tensor) -> Tensor:
    return codec.symbols(codec.encode(original)).values


def image(height: int, width: int) -> Tensor:
    noise = torch.rand(1, 3, -(-height // 8), -(-width // 8), generator=stream(0, "image"))
    smooth = torch.nn.functional.interpolate(noise, size=(height, width), mode="bilinear")
    return (smooth[0] * 255).round().to(torch.uint8)


def allow(monkeypatch: pytest.MonkeyPatch, codec: TrainedCodec, pixels: int) -> None:
    """Lets a tile with its surroundings have so many pixels."""
    monkeypatch.setattr(tiles, "MEMORY_BYTES", pixels * bytes_per_pixel(codec.networks.settings))


@pytest.mark.parametrize(
    "model",
    [
        {},
        {"norm": "none", "latent_norm": "batch"},
        {"latent_norm": "instance"},
        {"latent_norm": "instance", "quirks": {"relu_before_quantizer": True}},
        {"noise": True, "noise_channels": 8},
        {"noise": True, "noise_channels": 8, "quirks": {"noise_batch_norm": True}},
        {"downsamplings": 1, "channels": 4},
        {"downsamplings": 3, "residual_blocks": 0},
    ],
    ids=str,
)
def test_an_image_in_tiles_is_the_image_as_a_whole(model, monkeypatch) -> None:
    codec = trained(**model)
    original = image(150, 213)
    file = codec.encode(original)
    symbols, whole = codec.symbols(file).values, codec.decode(file)
    allow(monkeypatch, codec, 96**2)
    made = Tiles.of(codec.networks, (150, 213), CPU)
    assert made is not None
    assert made.side < symbols.shape[-1], "one tile would prove nothing"
    # Sums in another order move a value by 1e-6, which can tip one that lies on the edge.
    assert (symbols_of(codec, original) != symbols).float().mean() < 1e-3
    difference = (codec.decode(file).int() - whole.int()).abs()
    assert difference.max() <= 1
    assert (difference > 0).float().mean() < 1e-3


@pytest.mark.parametrize("prior", ["factorized", "hyperprior", "context"])
@pytest.mark.parametrize("codec", ["agustsson", "hific"])
def test_an_image_in_tiles_is_the_image_as_a_whole_with_an_entropy_model(codec, prior, monkeypatch) -> None:
    rated = trained(codec=codec, prior=prior, prior_width=4, channels=4)
    original = image(150, 213)
    whole = rated.decode(rated.encode(original))
    allow(monkeypatch, rated, 96**2)
    assert Tiles.of(rated.networks, (150, 213), CPU) is not None
    file = rated.encode(original)
    decoded = rated.decode(file)
    assert torch.equal(rated.decode(file), decoded)
    difference = (decoded.int() - whole.int()).abs()
    assert (difference > 0).float().mean() < 1e-2
    monkeypatch.undo()
    assert (rated.decode(file).int() - decoded.int()).abs().max() <= 1


def test_an_entropy_model_refuses_what_its_latents_do_not_fit_for(monkeypatch) -> None:
    rated = trained(prior="hyperprior", prior_width=4)
    monkeypatch.setattr("ablate.codecs.agustsson.memory.available", lambda _: 1000.0)
    with pytest.raises(ValueError, match=r"150x213 pixels need about .* GiB .* takes all latents at once"):
        rated.encode(image(150, 213))


def test_an_image_that_fits_is_not_tiled(monkeypatch) -> None:
    codec = trained()
    allow(monkeypatch, codec, 100 * 100)
    assert Tiles.of(codec.networks, (100, 100), CPU) is None
    assert Tiles.of(codec.networks, (100, 101), CPU) is not None


def test_a_codec_with_instance_norm_takes_a_large_image_whole_or_refuses(monkeypatch) -> None:
    codec = trained(norm="instance")
    original = image(150, 213)
    file = codec.encode(original)
    allow(monkeypatch, codec, 96**2)
    assert codec.encode(original) == file
    monkeypatch.setattr("ablate.codecs.agustsson.memory.available", lambda _: 1000.0)
    with pytest.raises(ValueError, match=r"150x213 pixels need about .* GiB .* instance norm is over the whole"):
        codec.encode(original)
    with pytest.raises(ValueError, match="instance norm is over the whole"):
        codec.decode(file)


def test_what_torch_keeps_of_a_training_is_free_for_its_evaluation(monkeypatch) -> None:
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _: (1000, 80_000))
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda _: 70_000)
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda _: 3_000)
    assert available("cuda") == 68_000
