"""Perceptual distortions against formulas written out, on random weights; and what is said where weights are absent."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from ablate.losses import perceptual
from ablate.losses.catalogue import distortions
from ablate.networks import imagenet, lite0

Weights = dict[str, Tensor]


def pair(side: int = 40) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(9)
    image = torch.rand(2, 3, side, side + 3, generator=generator) * 2 - 1
    return image, (image + 0.3 * torch.randn(image.shape, generator=generator)).clamp(-1, 1)


def convolved(weights: Weights, x: Tensor, number: int, stride: int = 1, padding: int = 1) -> Tensor:
    """Applies the `number`th convolution of a file in float64, and ReLU."""
    names = sorted((n for n in weights if n.endswith(".weight")), key=lambda n: int(n.split(".")[1]))
    bias = weights[names[number].replace("weight", "bias")]
    return F.conv2d(x, weights[names[number]].double(), bias.double(), stride, padding).clamp(min=0)


def vgg_maps(weights: Weights, x: Tensor, depths: Sequence[int], looked_at: str) -> list[Tensor]:
    """Activations of the first or the last convolution of each block of a VGG."""
    maps, number = [], 0
    for block, depth in enumerate(depths):
        x = F.max_pool2d(x, 2) if block else x
        layers = []
        for _ in range(depth):
            x = convolved(weights, x, number)
            layers.append(x)
            number += 1
        maps.append(layers[0 if looked_at == "first" else -1])
    return maps


def alexnet_maps(weights: Weights, x: Tensor) -> list[Tensor]:
    first = convolved(weights, x, 0, stride=4, padding=2)
    second = convolved(weights, F.max_pool2d(first, 3, 2), 1, padding=2)
    third = convolved(weights, F.max_pool2d(second, 3, 2), 2)
    fourth = convolved(weights, third, 3)
    return [first, second, third, fourth, convolved(weights, fourth, 4)]


@pytest.mark.parametrize("imagenet_statistics", [False, True])
def test_vgg_is_pix2pixhds_sum(random_networks: dict[str, Weights], imagenet_statistics: bool) -> None:
    weights = random_networks["ABLATE_VGG19"]

    def maps(x: Tensor) -> list[Tensor]:
        if imagenet_statistics:
            mean, deviation = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
            x = (x / 2 + 0.5 - torch.tensor(mean).view(3, 1, 1)) / torch.tensor(deviation).view(3, 1, 1)
        return vgg_maps(weights, x.double(), (2, 2, 4, 4, 4), "first")

    image, reconstruction = pair()
    terms = [(a - b).abs().mean().item() for a, b in zip(maps(image), maps(reconstruction), strict=True)]
    expected = terms[0] / 32 + terms[1] / 16 + terms[2] / 8 + terms[3] / 4 + terms[4]
    got = distortions["vgg"].function(imagenet_statistics=imagenet_statistics)(image, reconstruction)
    assert got.item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("network", ["vgg", "alex"])
def test_lpips_is_zhangs_sum(random_networks: dict[str, Weights], network: str) -> None:
    heads = random_networks[f"ABLATE_LPIPS_{network.upper()}"]

    def maps(x: Tensor) -> list[np.ndarray]:
        scaled = (x.double() - torch.tensor([-0.030, -0.088, -0.188]).view(3, 1, 1)) / torch.tensor(
            [0.458, 0.448, 0.450]
        ).view(3, 1, 1)
        if network == "alex":
            layers = alexnet_maps(random_networks["ABLATE_ALEXNET"], scaled)
        else:
            layers = vgg_maps(random_networks["ABLATE_VGG16"], scaled, (2, 2, 3, 3, 3), "last")
        return [layer.numpy() / (np.linalg.norm(layer.numpy(), axis=1, keepdims=True) + 1e-10) for layer in layers]

    image, reconstruction = pair()
    expected = 0.0
    for index, (a, b) in enumerate(zip(maps(image), maps(reconstruction), strict=True)):
        weight = heads[f"lin{index}.model.1.weight"].numpy().reshape(-1)
        expected += np.einsum("c,nchw->nhw", weight, (a - b) ** 2).mean()
    got = distortions["lpips"].function(network=network)(image, reconstruction).item()
    assert got == pytest.approx(float(expected), rel=1e-4)


@pytest.mark.parametrize(("stages", "distance"), [(4, "squared"), (1, "squared"), (7, "l1")])
def test_perceptual_lite0_compares_unit_vectors_at_the_stages_ends(stages: int, distance: str) -> None:
    network, seen = lite0.pretrained("cpu"), []
    ends = [0, 2, 4, 7, 10, 14, 15][:stages]
    hooks = [network._blocks[end].register_forward_hook(lambda _m, _i, out: seen.append(out)) for end in ends]
    image, reconstruction = pair(64)
    with torch.no_grad():
        network((image + 1) * 127.5)
        network((reconstruction + 1) * 127.5)
    for hook in hooks:
        hook.remove()
    unit = [x.numpy() / np.linalg.norm(x.double().numpy(), axis=1, keepdims=True) for x in seen]
    power = 2 if distance == "squared" else 1
    terms = [(np.abs(a - b) ** power).sum(axis=1).mean() for a, b in zip(unit[:stages], unit[stages:], strict=True)]
    got = distortions["perceptual_lite0"].function(stages=stages, distance=distance)(image, reconstruction).item()
    assert got == pytest.approx(float(np.mean(terms)), rel=1e-4)


def test_features_that_are_all_zero_keep_a_finite_gradient() -> None:
    features = torch.zeros(1, 4, 2, 2, requires_grad=True)
    unit = perceptual._unit(features)
    unit.sum().backward()
    assert (unit == 0).all()
    assert features.grad is not None
    assert features.grad.flatten().tolist() == pytest.approx([1e5] * 16)


@pytest.mark.parametrize("name", ["perceptual_lite0", "vgg", "lpips"])
def test_the_networks_are_frozen_kept_and_built_without_random_numbers(
    random_networks: dict[str, Weights], name: str
) -> None:
    image, reconstruction = pair()
    for module in (imagenet, lite0):
        module.pretrained.cache_clear()
    before = torch.get_rng_state()
    distortions[name].function()(image, reconstruction.requires_grad_()).backward()
    assert torch.equal(torch.get_rng_state(), before)
    cpu = torch.device("cpu")
    network = {
        "perceptual_lite0": lambda: lite0.pretrained("cpu"),
        "vgg": lambda: imagenet.pretrained(imagenet.VGG19, cpu),
        "lpips": lambda: imagenet.pretrained(imagenet.VGG16, cpu),
    }[name]
    assert network() is network()
    assert not network().training
    assert all(not each.requires_grad and each.grad is None for each in network().parameters())


@pytest.mark.parametrize(
    ("name", "options", "variable", "file"),
    [
        ("vgg", {}, "ABLATE_VGG19", "vgg19-dcbb9e9d.pth"),
        ("lpips", {}, "ABLATE_VGG16", "vgg16-397923af.pth"),
        ("lpips", {}, "ABLATE_LPIPS_VGG", "lpips-v0.1-vgg.pth"),
        ("lpips", {"network": "alex"}, "ABLATE_ALEXNET", "alexnet-owt-7be5be79.pth"),
        ("lpips", {"network": "alex"}, "ABLATE_LPIPS_ALEX", "lpips-v0.1-alex.pth"),
    ],
)
def test_absent_weights_are_said_when_the_distortion_is_built(
    random_networks: dict[str, Weights],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    name: str,
    options: dict[str, str],
    variable: str,
    file: str,
) -> None:
    monkeypatch.delenv(variable)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with pytest.raises(ValueError, match=f"weights {file} are absent: .*{file}, and {variable} names no other"):
        distortions[name].function(**options)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("perceptual_lite0", {"stages": 8}, "1 to 7 stages, not 8"),
        ("perceptual_lite0", {"distance": "l2"}, '"squared" and "l1", not \'l2\''),
        ("lpips", {"network": "squeeze"}, "the networks vgg and alex, not 'squeeze'"),
    ],
)
def test_options_that_there_are_not_are_refused(name: str, options: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        distortions[name].function(**options)
