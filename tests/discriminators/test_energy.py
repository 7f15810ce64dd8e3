"""The discriminator that is an autoencoder."""

import pytest
import torch

from ablate.config import DiscriminatorSettings
from ablate.discriminators.build import build_discriminator
from ablate.layers.norm import ChannelNorm

SETTINGS = DiscriminatorSettings(scales=1, width=4, layers=2, norm="none")


def image(*size: int) -> torch.Tensor:
    return torch.rand(2, 3, *size, generator=torch.Generator().manual_seed(0)) * 2 - 1


@pytest.mark.parametrize("size", [(16, 16), (17, 23), (5, 9)])
def test_a_patch_s_logit_is_minus_the_mean_error_of_its_pixels(size: tuple[int, int]) -> None:
    (judge,) = build_discriminator(SETTINGS, 0, "energy")
    x = image(*size)
    seen = []
    judge.image.register_forward_hook(lambda _module, _inputs, output: seen.append(output))
    logits, _ = judge(x)
    error = (seen[0][..., : size[0], : size[1]] - x).abs().mean(1)
    assert logits.shape == (2, 1, -(-size[0] // 4), -(-size[1] // 4))
    torch.testing.assert_close(logits[:, 0, 0, 0], -error[:, :4, :4].mean((1, 2)))
    last_rows, last_columns = (n % 4 or 4 for n in size)
    torch.testing.assert_close(logits[:, 0, -1, -1], -error[:, -last_rows:, -last_columns:].mean((1, 2)))


def test_an_image_that_is_reproduced_has_no_energy() -> None:
    (judge,) = build_discriminator(SETTINGS, 0, "energy")
    with torch.no_grad():
        judge.image.conv.weight.zero_()
        judge.image.conv.bias.copy_(torch.tensor([0.5, 0.0, -0.5]))
        logits, _ = judge(torch.tensor([0.5, 0.0, -0.5]).reshape(1, 3, 1, 1).expand(1, 3, 8, 8))
    assert (logits == 0).all()


def test_its_features_are_matched_as_any_discriminator_s() -> None:
    energy, patches = build_discriminator(SETTINGS, 0, "energy"), build_discriminator(SETTINGS, 0)
    shapes = [[each.shape for each in judge(image(16, 16)).features[0]] for judge in (energy, patches)]
    assert shapes[0] == shapes[1]


def test_the_energy_pulls_at_the_reconstruction_directly_and_through_the_autoencoder() -> None:
    (judge,) = build_discriminator(SETTINGS, 0, "energy")
    x = image(8, 8).requires_grad_()
    (whole,) = torch.autograd.grad(judge(x)[0].sum(), x)
    decoded = judge.image(judge.decoder(judge.bottleneck(judge.trunk(x)[-1]))).detach()
    (direct,) = torch.autograd.grad(-(decoded - x).abs().mean(1).sum() / 16, x)
    assert whole.norm() > 0
    assert not torch.allclose(whole, direct)


def test_energies_of_image_and_reconstruction_are_equally_precise_in_bfloat16() -> None:
    (judge,) = build_discriminator(SETTINGS, 0, "energy")
    x = image(16, 16).bfloat16()
    with torch.autocast("cpu", torch.bfloat16):
        reconstruction, same = judge(x)[0], judge(x.float())[0]
    assert reconstruction.dtype is same.dtype is torch.float32
    torch.testing.assert_close(reconstruction, same, rtol=0, atol=0)


def test_spectral_norm_bounds_the_decoder_as_well() -> None:
    settings = SETTINGS.model_copy(update={"spectral_norm": True})
    (judge,) = build_discriminator(settings, 0, "energy")
    layers = [each for each in judge.modules() if isinstance(each, torch.nn.Conv2d | torch.nn.ConvTranspose2d)]
    assert len(layers) == 6
    assert all(hasattr(each, "parametrizations") for each in layers)


@pytest.mark.parametrize("layers", [2, 3])
def test_a_patch_and_the_decoder_are_as_the_settings_say(layers: int) -> None:
    settings = SETTINGS.model_copy(update={"layers": layers, "norm": "channel"})
    (judge,) = build_discriminator(settings, 0, "energy")
    assert judge(image(32, 48))[0].shape == (2, 1, 32 >> layers, 48 >> layers)
    assert sum(isinstance(each, ChannelNorm) for each in judge.decoder) == layers
