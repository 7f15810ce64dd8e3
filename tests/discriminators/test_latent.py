"""The discriminator that judges an image beside what the codec sent of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import ValidationError

from ablate.config import Cell, DiscriminatorSettings
from ablate.data import prepare
from ablate.discriminators.build import build_discriminator
from ablate.discriminators.discriminator import Discriminator
from ablate.layers.code import Code
from ablate.rng import stream
from ablate.train.preflight import preflight
from tests.train.conftest import MakeCell, images, make_cell
from tests.train.test_run import comparable, resumed_like_undisturbed

__all__ = ["images", "make_cell"]
SMALL: dict[str, Any] = {"kind": "latent", "width": 4, "layers": 2, "norm": "none", "scales": 1}
RATED = {"prior": "hyperprior", "prior_width": 4, "channels": 4, "latent_norm": "none"}


def built(**changed: Any) -> Discriminator:
    settings = DiscriminatorSettings.model_validate({**SMALL, **changed})
    return build_discriminator(settings, 0, "latent", Code(channels=4, levels=None, stride=4))


def drawn(channels: int, side: int) -> torch.Tensor:
    return torch.rand(2, channels, side, side, generator=stream(channels, "test.latent")) * 2 - 1


def test_each_patch_has_a_logit_which_follows_what_was_sent_of_it() -> None:
    network, image, sent = built(), drawn(3, 64), drawn(4, 16)
    (logits,) = network(image, sent).logits
    assert logits.shape == (2, 1, 16, 16)
    other = sent.clone()
    other[:, :, 12:, 12:] += 1.0
    (changed,) = network(image, other).logits
    moved = (changed - logits).abs().amax((0, 1)) > 0
    assert moved[15, 15]
    assert not moved[:6, :6].any()


@pytest.mark.parametrize("side", [64, 68])
def test_what_was_sent_is_repeated_to_the_images_size(side: int) -> None:
    (logits,) = built(layers=3)(drawn(3, side), drawn(4, side // 4)).logits
    assert logits.shape[-1] == -(-side // 8)


def test_spectral_norm_is_on_every_convolution_that_for_what_was_sent_among_them() -> None:
    names = {name for name, _ in built(spectral_norm=True).named_parameters() if "original" in name}
    assert {name.split(".parametrizations")[0] for name in names} == {
        "0.told.conv", "0.convs.0.conv", "0.convs.1.conv", "0.convs.2.conv", "0.logits.conv",
    }  # fmt: skip


@pytest.mark.parametrize("model", [RATED, {"channels": 4, "latent_norm": "batch"}], ids=["values", "symbols"])
def test_it_is_trained_and_resumed_with_either_codec(model: dict, make_cell: MakeCell, tmp_path: Path) -> None:
    cell = make_cell(model=model, discriminator={**SMALL, "spectral_norm": True}, loss={"penalties": ["r1"]})
    found = comparable(resumed_like_undisturbed(cell, tmp_path, (3,)))
    assert found["metrics"]["ema"]["bpp_actual"] > 0


def test_the_generator_hears_of_it_and_nothing_flows_back_through_what_was_sent(
    make_cell: MakeCell, tmp_path: Path
) -> None:
    cell = make_cell(model=RATED, discriminator=SMALL)
    findings = preflight(cell, *(prepare(cell.data, split, tmp_path) for split in ("train", "test")), "cpu")
    assert {each.check: each.verdict for each in findings}["scales"] == "ok"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"scales": 2}, "set discriminator.scales = 1"),
        ({"quirks": {"double_leaky_relu": True}}, "no trunk that"),
        ({"kind": {"name": "latent", "channels": 0}}, "1 channel or more"),
        ({"norm": "instance", "layers": 5, "scales": 1}, "which instance norm makes"),
        ({"augment": ["translation"], "augment_draws": "shared"}, "leave out translation"),
    ],
)
def test_what_it_cannot_be_is_refused(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Cell.model_validate({"discriminator": {**SMALL, **wrong}, "data": {"crop": 32}})
