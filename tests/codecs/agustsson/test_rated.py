"""The codec with an entropy model: learned bits, real files, and what it refuses."""

from __future__ import annotations

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor

from ablate.codecs.agustsson.codec import AgustssonCodec
from ablate.codecs.agustsson.rated import RatedCodec
from ablate.codecs.build import build_codec, restore_codec
from ablate.codecs.settings import Model
from ablate.codecs.trained import TrainedCodec
from ablate.config import Cell
from ablate.pixels import to_float, to_uint8
from ablate.rng import stream

PRIORS = ("factorized", "hyperprior", "context")


def model(prior: str, **more: object) -> Model:
    given = {"channels": 4, "width": 4, "downsamplings": 2, "residual_blocks": 0, "norm": "channel"}
    return Model.model_validate({**given, "latent_norm": "none", "prior": prior, "prior_width": 6, **more})


def built(prior: str, **more: object) -> RatedCodec:
    """Returns a codec whose latents are spread over a dozen whole numbers, as training makes them."""
    codec = build_codec(model(prior, **more), seed=0)
    assert isinstance(codec, RatedCodec)
    with torch.no_grad():
        codec.encoder[-2].conv.weight.mul_(6)
    return codec


def image(side: int = 64, seed: int = 0) -> Tensor:
    coarse = torch.rand(1, 3, side // 8, side // 8, generator=stream(seed, "image"))
    smooth = torch.nn.functional.interpolate(coarse, (side + 3, side + 10), mode="bicubic").clamp(0, 1)
    return (255 * smooth[0]).to(torch.uint8)


@pytest.mark.parametrize("prior", PRIORS)
@pytest.mark.parametrize("side", [8, 64, 104])
def test_a_file_is_decoded_to_what_the_forward_pass_gives(prior: str, side: int) -> None:
    trained = TrainedCodec.of(built(prior), model(prior), seed=0)
    original = image(side)
    file = trained.encode(original)
    assert trained.encode(original) == file
    decoded = trained.decode(file)
    assert decoded.shape == original.shape
    # Sides of whole strides are not padded, and go through the forward pass as they are.
    whole = original[:, : side // 8 * 8, : side // 8 * 8]
    with torch.inference_mode():
        direct = trained.networks(to_float(whole[None]), stream(0, "evaluation.noise")).image
    assert (trained.decode(trained.encode(whole)).int() - to_uint8(direct[0]).int()).abs().max() <= 1


def descend(codec: RatedCodec, steps: int) -> list[float]:
    """Trains a little and returns the rate at each step."""
    batch = to_float(torch.stack([image(32, seed)[:, :32, :32] for seed in range(2)]))
    descent = torch.optim.Adam(codec.train().parameters(), 1e-2)
    rates = []
    for step in range(steps):
        found = codec(batch, stream(0, "noise", step))
        assert found.rate is not None
        descent.zero_grad()
        (found.rate + 20 * (found.image - batch).square().mean()).backward()
        descent.step()
        rates.append(float(found.rate.detach()))
    return rates


@pytest.mark.parametrize("prior", PRIORS)
def test_a_file_takes_the_bits_that_are_estimated(prior: str) -> None:
    codec = built(prior)
    descend(codec, 40)  # before, latents lie where no model expects them
    trained = TrainedCodec.of(codec, model(prior), seed=0)
    whole = image(200)[:, :200, :208]
    with torch.inference_mode():
        rate = trained.networks(to_float(whole[None]), stream(0, "evaluation.noise")).rate
    assert rate is not None
    estimate = float(rate) * 200 * 208
    assert estimate > 15_000
    assert abs(8 * len(trained.encode(whole)) - estimate) < 0.01 * estimate + 64 * 8


@pytest.mark.parametrize("prior", PRIORS)
def test_altered_content_is_refused_or_is_not_what_the_checksum_says(prior: str) -> None:
    """Behind the container's own checksum a second one is over the numbers."""
    codec = built(prior).eval()
    with torch.inference_mode():
        content = codec.encode(image(16))
        for place in range(len(content)):
            with pytest.raises(ValueError, match=r".+"):
                codec.decode(content[:place] + bytes([content[place] ^ 0x41]) + content[place + 1 :], stream(0, "n"))


@pytest.mark.parametrize("prior", ["hyperprior", "context"])
def test_side_information_lies_where_its_latents_are_on_images_of_any_size(prior: str) -> None:
    """What is far enough from what was added says the same of an image that ends four latents later."""
    codec = built(prior).eval()
    with torch.inference_mode():
        latent = codec.encoder(to_float(image(160)[None, :, :160, :160]))
        sides = [codec.prior.analyse(latent[..., :columns]) for columns in (37, 40)]
    assert sides[0].shape == sides[1].shape
    assert torch.allclose(sides[0][..., :7], sides[1][..., :7], atol=1e-5)


@pytest.mark.parametrize("prior", PRIORS)
@pytest.mark.parametrize("rounding", ["noise", "mixed", "straight_through"])
def test_training_lowers_the_rate_and_reaches_every_weight(prior: str, rounding: str) -> None:
    codec = built(prior, rounding=rounding)
    rates = descend(codec, 40)
    assert sum(rates[-5:]) < 0.85 * sum(rates[:5])
    assert {name for name, weight in codec.named_parameters() if weight.grad is None} == set()


def test_rounding_changes_what_training_sees_and_not_what_evaluation_does() -> None:
    batch = to_float(image(32)[None, :, :32, :32])
    trained, evaluated = {}, {}
    for rounding in ("noise", "mixed", "straight_through"):
        codec = built("hyperprior", rounding=rounding)
        with torch.no_grad():
            trained[rounding] = codec.train()(batch, stream(0, "noise"))
            evaluated[rounding] = codec.eval()(batch, stream(0, "noise"))
    assert not torch.equal(trained["noise"].image, trained["mixed"].image)
    assert trained["mixed"].rate == trained["noise"].rate != trained["straight_through"].rate
    assert torch.equal(evaluated["noise"].image, evaluated["straight_through"].image)


def test_an_infinite_latent_is_refused_in_words() -> None:
    codec = built("factorized").eval()
    with torch.no_grad():
        codec.encoder[-2].conv.bias.fill_(float("nan"))
    with pytest.raises(ValueError, match="not finite; the codec has diverged"):
        codec.encode(image(16))


def test_without_a_prior_nothing_is_another_codec() -> None:
    settings = Model(width=4, channels=2, downsamplings=2, residual_blocks=0)
    codec = build_codec(settings, seed=0)
    assert isinstance(codec, AgustssonCodec)
    assert "prior" not in Cell(model=settings).model_dump_json() or settings.prior == "none"
    assert Cell(model=settings).id == Cell(model=settings.model_copy(update={"prior_width": 32})).id
    order = [name.partition(".")[0] for name in codec.state_dict()]
    assert list(dict.fromkeys(order)) == ["encoder", "quantizer", "generator"]  # that of checkpoints from before
    assert isinstance(restore_codec(settings, codec.state_dict()), AgustssonCodec)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"latent_norm": "instance"}, "learns how large latents are"),
        ({"quantizer": {"levels": 7}}, "leave them at their defaults"),
        ({"prior": "hyper"}, "Input should be"),
    ],
)
def test_what_a_prior_leaves_without_a_meaning_is_refused(wrong: dict, said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Cell.model_validate({"model": {"latent_norm": "none", "prior": "hyperprior", **wrong}})


def test_the_rate_may_be_weighed_with_a_prior_alone() -> None:
    assert Cell.model_validate({"model": model("context").model_dump(), "loss": {"lambda_r": 0.1}})
    with pytest.raises(ValidationError, match="estimates none"):
        Cell.model_validate({"loss": {"lambda_r": 0.1}})
