from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image

from ablate.layers.padding import same_padding
from ablate.metrics import PairedFeatures, extractor, frechet_distance, metrics, patches
from ablate.networks import lite0
from ablate.networks.lite0 import Lite0, SameConv2d
from ablate.registry import AbsentError, UnknownNameError

TIGER_CAT, EGYPTIAN_CAT, TABBY, ESPRESSO = 282, 285, 281, 967


def probabilities(image: torch.Tensor) -> torch.Tensor:
    """Classifies the middle 7/8 of an image at 224 pixels, as EfficientNet-Lite0 was trained to."""
    height, width = image.shape[1:]
    side = min(height, width) * 7 // 8
    top, left = (height - side) // 2, (width - side) // 2
    crop = Image.fromarray(image[:, top : top + side, left : left + side].permute(1, 2, 0).numpy())
    pixels = torch.from_numpy(np.array(crop.resize((224, 224), Image.Resampling.BICUBIC))).permute(2, 0, 1)[None]
    network = lite0.pretrained("cpu")
    with torch.inference_mode():
        return network(pixels.float())[0].softmax(0)


def test_the_network_sees_a_cat_and_an_espresso(chelsea: torch.Tensor, coffee: torch.Tensor) -> None:
    cat = probabilities(chelsea)
    assert cat.topk(3).indices.tolist() == [TIGER_CAT, EGYPTIAN_CAT, TABBY]
    # Only the right normalisation is this sure: with ImageNet's usual mean and deviation it is 0.78.
    assert probabilities(coffee)[ESPRESSO].item() == pytest.approx(0.951, abs=0.01)


def test_the_parameters_are_those_published() -> None:
    assert sum(parameter.numel() for parameter in Lite0().parameters()) == 4_652_008


@pytest.mark.parametrize(("size", "expected"), [(4, (0, 1)), (5, (1, 1)), (1, (1, 1)), (2, (0, 1))])
def test_convolutions_pad_as_tensorflows_same(size: int, expected: tuple[int, int]) -> None:
    convolution = SameConv2d(1, 1, 3, stride=2)
    assert same_padding(size, 3, 2) == expected
    x = torch.randn(1, 1, size, size)
    padded = F.pad(x, expected * 2)
    assert torch.equal(convolution(x), F.conv2d(padded, convolution.weight, stride=2))
    assert convolution(x).shape[2] == -(-size // 2)


@pytest.mark.parametrize("tap", [112, 1280])
def test_fused_batch_norms_change_the_last_digits_alone(chelsea: torch.Tensor, tap: int) -> None:
    images = patches(chelsea, 64, 0)[:8].float()
    with torch.inference_mode():
        plain, fused = (network("cpu").features(images, tap) for network in (lite0.pretrained, lite0.fused))
    # float32 sums of up to 1152 products in another order, through 16 blocks
    torch.testing.assert_close(fused, plain, rtol=1e-4, atol=2e-5 * plain.abs().max().item())
    assert lite0.fused("cpu")._blocks[3]._expand_conv.bias is not None
    assert lite0.pretrained("cpu")._blocks[3]._expand_conv.bias is None


@pytest.mark.parametrize("tap", [112, 1280])
def test_features_are_repeatable_whatever_the_batch(chelsea: torch.Tensor, tap: int) -> None:
    cut = patches(chelsea, 64, 32)
    assert len(cut) == 4 * 7 + 4 * 6
    together = extractor("lite0", tap=tap)(cut)
    assert together.shape == (52, tap)
    assert together.dtype == torch.float32
    assert torch.equal(extractor("lite0", tap=tap)(cut), together)
    one_by_one = torch.cat([extractor("lite0", tap=tap)(image[None]) for image in cut[:5]])
    # convolutions of other batch sizes sum in another order: some float32 roundings
    torch.testing.assert_close(one_by_one, together[:5], rtol=1e-4, atol=1e-5)


def test_autocast_does_not_reach_the_features(chelsea: torch.Tensor) -> None:
    cut = patches(chelsea, 64, 0)[:4]
    expected = extractor("lite0")(cut)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(extractor("lite0")(cut), expected)


def test_the_taps_are_different_layers(chelsea: torch.Tensor) -> None:
    cut = patches(chelsea, 128, 0)
    narrow, wide = extractor("lite0", tap=112)(cut), extractor("lite0", tap=1280)(cut)
    assert narrow.min() < 0  # no activation after a projection
    assert wide.min() >= 0
    assert wide.max() <= 6


def jpeg(image: torch.Tensor, quality: int) -> torch.Tensor:
    buffer = io.BytesIO()
    Image.fromarray(image.permute(1, 2, 0).numpy()).save(buffer, "JPEG", quality=quality)
    return torch.from_numpy(np.array(Image.open(buffer))).permute(2, 0, 1)


def test_the_distance_grows_as_jpeg_quality_falls(chelsea: torch.Tensor) -> None:
    features = extractor("lite0")
    reference = features(patches(chelsea, 64, 32))
    distances = [
        frechet_distance(reference, features(patches(jpeg(chelsea, quality), 64, 32)))
        for quality in (90, 75, 50, 30, 20, 10, 5)
    ]
    assert distances == sorted(distances)
    assert distances[0] > 0
    assert distances[-1] > 10 * distances[0]


def test_the_named_distances_are_those_of_their_taps(chelsea: torch.Tensor) -> None:
    originals, altered = patches(chelsea, 128, 0), patches(jpeg(chelsea, 20), 128, 0)
    for metric, tap in ((metrics["fd_lite0_112"], 112), (metrics["fd_lite0_1280"], 1280)):
        assert metric.needs.extractor == ("lite0", tap)
        network = extractor("lite0", tap=tap)
        features = PairedFeatures.of(network(originals), network(altered), [len(originals)])
        assert metric.function(features).value == frechet_distance(features.originals, features.reconstructions)
        alike = PairedFeatures.of(network(originals), network(originals), [len(originals)])
        assert metric.function(alike).value == 0


def test_the_record_names_the_weights() -> None:
    network = extractor("lite0", tap=1280)
    assert (network.name, network.tap, network.device) == ("lite0", 1280, "cpu")
    assert network.weights_sha256 == "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"


def test_altered_weights_are_refused() -> None:
    with pytest.raises(ValueError, match=r"has the sha256 57934424.*; 0{64} is expected"):
        lite0.weights(replace(lite0.LITE0, sha256="0" * 64))


@pytest.mark.parametrize(("name", "value"), [("package", "no_such_package"), ("file", "no_such_file.pth")])
def test_absent_weights_are_an_error_that_names_the_package(name: str, value: str) -> None:
    absent = replace(lite0.LITE0, **{name: value})
    with pytest.raises(AbsentError, match=f"needs .* of the package {absent.package.replace('_', '-')}"):
        lite0.weights(absent)


def test_unknown_extractors_taps_and_images_are_refused() -> None:
    with pytest.raises(UnknownNameError, match=r"unknown feature extractor 'lite1' .*did you mean 'lite0'"):
        extractor("lite1")
    with pytest.raises(ValueError, match="taps 112 and 1280, not 320"):
        extractor("lite0", tap=320)
    with pytest.raises(ValueError, match="must be uint8"):
        extractor("lite0")(torch.zeros(1, 3, 64, 64))
