"""HiFiC at its full size and small: published counts, training, files."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor, nn

from ablate.codecs.build import build_codec
from ablate.codecs.hific.codec import HificCodec
from ablate.codecs.hific.networks import HificGenerator
from ablate.codecs.settings import Model
from ablate.codecs.trained import TrainedCodec
from ablate.config import Cell
from ablate.evaluate.parameters import count_parameters
from ablate.grid.presets import nested, preset_values
from ablate.pixels import to_float
from ablate.rng import stream

SMALL: dict[str, Any] = {
    "codec": "hific", "channels": 4, "width": 4, "downsamplings": 2, "residual_blocks": 1, "norm": "channel",
    "prior": "hyperprior", "prior_width": 6,
}  # fmt: skip


def built(**changed: Any) -> HificCodec:
    codec = build_codec(Model.model_validate({**SMALL, **changed}), seed=0)
    assert isinstance(codec, HificCodec)
    return codec


def image(side: int = 64, seed: int = 0) -> Tensor:
    coarse = torch.rand(1, 3, side // 8, side // 8, generator=stream(seed, "image"))
    return (255 * nn.functional.interpolate(coarse, (side, side), mode="bicubic").clamp(0, 1)[0]).to(torch.uint8)


def conv(kernel: int, inputs: int, outputs: int) -> int:
    return kernel**2 * inputs * outputs + outputs


def test_the_preset_has_as_many_weights_as_the_release() -> None:
    """Layer by layer as models/hific/archs.py of tensorflow/compression builds them (NHWC, biases everywhere)."""
    found = count_parameters(Cell.model_validate(nested(preset_values("hific"))))
    widths = (60, 120, 240, 480, 960)
    norms = 2 * sum(widths)
    down = [conv(3, a, b) for a, b in itertools.pairwise(widths)]
    assert found["encoder"] == conv(7, 3, 60) + sum(down) + norms + conv(3, 960, 220) == 7_423_420
    up = [conv(3, b, a) for a, b in itertools.pairwise(widths)]
    block = 2 * (conv(3, 960, 960) + 2 * 960)
    head = 2 * 220 + conv(3, 220, 960)
    assert found["generator"] == head + 9 * block + sum(up) + norms + conv(7, 60, 3) == 156_774_683
    analysis = conv(3, 220, 320) + 2 * conv(5, 320, 320)
    synthesis = 2 * conv(5, 320, 320) + conv(3, 320, 220)
    # The release models its side information with one layer less, as tfc does by default: 43 weights a channel, not 58.
    assert found["prior"] - 58 * 320 == analysis + 2 * synthesis == 17_263_480
    patches = [conv(4, a, b) for a, b in ((15, 64), (64, 128), (128, 256), (256, 512), (512, 1))]
    assert found["discriminator"] == conv(3, 220, 12) + sum(patches) == 2_800_797


def test_the_preset_has_the_size_that_was_published() -> None:
    """Justin-Tan/high-fidelity-generative-compression: "The total size of the model is around 737 MB"."""
    found = count_parameters(Cell.model_validate(nested(preset_values("hific"))))
    assert 4 * sum(found.values()) / 1e6 == pytest.approx(737, abs=0.5)


def test_the_small_form_has_the_same_parts() -> None:
    full, small = (Cell.model_validate(nested(preset_values(name))) for name in ("hific", "hific_small"))
    assert small.model.codec == full.model.codec
    assert small.model.norm == full.model.norm
    assert (small.discriminator.kind, small.discriminator.scales) == (full.discriminator.kind, 1)
    assert sum(count_parameters(small).values()) < 2_000_000


def descend(codec: HificCodec, steps: int) -> list[float]:
    """Trains a little on the rate and squared errors, and returns both together at each step."""
    batch = to_float(torch.stack([image(32, seed) for seed in range(2)]))
    descent = torch.optim.Adam(codec.train().parameters(), 1e-2)
    losses = []
    for step in range(steps):
        found = codec(batch, stream(0, "noise", step))
        assert found.rate is not None
        loss = found.rate + 20 * (found.image - batch).square().mean()
        descent.zero_grad()
        loss.backward()
        descent.step()
        losses.append(float(loss.detach()))
    return losses


def test_training_lowers_the_loss_and_reaches_every_weight() -> None:
    codec = built()
    losses = descend(codec, 30)
    assert sum(losses[-5:]) < 0.7 * sum(losses[:5])
    assert {name for name, weight in codec.named_parameters() if weight.grad is None} == set()


def test_a_file_is_decoded_to_what_the_forward_pass_gives() -> None:
    codec = built()
    descend(codec, 20)
    trained = TrainedCodec.of(codec, Model.model_validate(SMALL), seed=0)
    original = image(64)
    file = trained.encode(original)
    with torch.inference_mode():
        direct = trained.networks(to_float(original[None]), stream(0, "unused")).image
    decoded = to_float(trained.decode(file)[None])
    assert (decoded - direct.clamp(-1, 1)).abs().max() <= 1.5 / 127.5


def test_means_and_scales_have_networks_of_their_own() -> None:
    codec = built()
    side = torch.randn(1, 6, 2, 2, generator=stream(0, "side"))
    means, scales = (network(side) for network in codec.prior.synthesis)
    assert torch.equal(codec.prior.synthesis(side), torch.cat([means, scales], 1))
    own = [{weight.data_ptr() for weight in network.parameters()} for network in codec.prior.synthesis]
    assert not own[0] & own[1]


def test_a_path_leads_around_all_residual_blocks() -> None:
    """With blocks that give nothing the generator is its head, twice, and its tail."""
    generator = HificGenerator(Model.model_validate({**SMALL, "residual_blocks": 3}))
    latent = torch.randn(1, 4, 3, 3, generator=stream(0, "latent"))
    layers = list(generator)
    head, blocks = nn.Sequential(*layers[:3])(latent), layers[3]
    with torch.no_grad():
        for block in blocks.body:
            block.body[-1].weight.zero_()
            block.body[-1].bias.zero_()
    assert torch.equal(blocks(head), 2 * head)


def test_nothing_bounds_the_image_and_zeros_are_padded() -> None:
    codec = built()
    with torch.no_grad():
        codec.last_layer.mul_(50)
        assert codec.generator(torch.randn(1, 4, 3, 3, generator=stream(0, "latent"))).abs().max() > 1
    # A uniform image: only padding with something else makes latents at the border differ.
    latent = codec.encoder(torch.full((1, 3, 64, 64), 0.5))
    assert not torch.allclose(latent[..., 0, :], latent[..., 8, :])


def test_what_the_codec_does_not_look_at_is_no_part_of_a_cell() -> None:
    one, other = (Cell.model_validate({"model": {**SMALL, "latent_norm": each}}) for each in ("none", "batch"))
    assert one.id == other.id


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"model": {**SMALL, "prior": "none"}}, 'HiFiC has "hyperprior"'),
        ({"model": SMALL, "data": {"crop": 66}}, "must be a multiple of 4"),
    ],
)
def test_what_it_cannot_be_is_refused(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Cell.model_validate(wrong)
