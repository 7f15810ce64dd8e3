"""LPIPS and DISTS beside torchmetrics: backbones drawn at random, the real heads that its wheel holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.resources import files

import pytest
import torch
import torchvision
from torchmetrics.functional.image import dists as torchmetrics_dists
from torchmetrics.functional.image import learned_perceptual_image_patch_similarity

from ablate.metrics import TooSmallError, dists, lpips_alex, lpips_vgg
from ablate.networks import dists as dists_network
from ablate.networks import imagenet, lpips_heads
from ablate.networks.weights_file import WeightsFile

PAIRED = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
HEADS = files("torchmetrics") / "functional" / "image"


@pytest.fixture(scope="module")
def networks() -> dict[str, torch.nn.Module]:
    """Classifiers of the published shapes with weights drawn at random."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        built = {name: getattr(torchvision.models, name)(weights=None) for name in ("vgg16", "alexnet")}
    return {name: network.eval().requires_grad_(False) for name, network in built.items()}


@pytest.fixture
def random_backbones(monkeypatch: pytest.MonkeyPatch, networks: dict[str, torch.nn.Module]) -> Iterator[None]:
    """Gives torchvision's networks at random to torchmetrics and to this package."""
    for name, network in networks.items():
        monkeypatch.setattr(torchvision.models, name, lambda *_, network=network, **__: network)
    monkeypatch.setattr(torchmetrics_dists, "vgg16", lambda *_, **__: networks["vgg16"])

    def load(weights: WeightsFile, *_: object, **__: object) -> dict[str, torch.Tensor]:
        paths = {"lpips-v0.1-alex": "lpips_models/alex.pth", "lpips-v0.1-vgg": "lpips_models/vgg.pth"}
        backbone = weights.name.partition("-")[0]
        if backbone in networks:
            return networks[backbone].state_dict()
        path = paths.get(weights.name.removesuffix(".pth"), "dists_models/weights.pt")
        return real_load(WeightsFile("heads", weights.sha256, "", ""), HEADS.joinpath(path))

    real_load = WeightsFile.load
    monkeypatch.setattr(WeightsFile, "load", load)
    caches = (imagenet.pretrained, lpips_heads.pretrained, dists_network.weights)
    for cached in caches:
        cached.cache_clear()
    yield
    for cached in caches:
        cached.cache_clear()


@pytest.fixture(scope="module")
def pair() -> tuple[torch.Tensor, torch.Tensor]:
    random = torch.Generator().manual_seed(0)
    original = torch.randint(256, (2, 3, 80, 97), dtype=torch.uint8, generator=random)
    noise = torch.randn(original.shape, generator=random) * 20
    return original, (original + noise).round().clamp(0, 255).byte()


@pytest.mark.parametrize(("metric", "network"), [(lpips_alex, "alex"), (lpips_vgg, "vgg")])
def test_lpips_agrees_with_torchmetrics(
    random_backbones: None, pair: tuple[torch.Tensor, torch.Tensor], metric: PAIRED, network: str
) -> None:
    scaled = [each.float() / 127.5 - 1 for each in pair]
    for index in range(2):
        expected = learned_perceptual_image_patch_similarity(*(each[index : index + 1] for each in scaled), network)
        # float32 sums over maps; torchmetrics adds its epsilon elsewhere
        assert metric(*pair)[index].item() == pytest.approx(expected.item(), rel=1e-5)
    assert metric(pair[0], pair[0]).tolist() == [0, 0]


@pytest.mark.parametrize("metric", [lpips_alex, lpips_vgg])
def test_lpips_of_a_region_is_of_the_positions_that_see_nothing_else(
    random_backbones: None, metric: Callable[..., torch.Tensor]
) -> None:
    random = torch.Generator().manual_seed(1)
    x, y, other = (torch.randint(256, (1, 3, 260, 240), dtype=torch.uint8, generator=random) for _ in range(3))
    assert metric(x, y, torch.ones(260, 240, dtype=torch.bool)).equal(metric(x, y))
    region = torch.ones(260, 240, dtype=torch.bool)
    region[-40:] = region[:, :5] = False
    found = metric(x, y, region).item()
    # what sums of float32 round otherwise where a convolution is done in blocks
    moved = metric(torch.where(region, x, other), torch.where(region, y, 255 - other), region)
    assert moved.item() == pytest.approx(found, rel=1e-5)
    assert abs(metric(x, torch.where(region, other, y), region).item() - found) > 1e-3 * found
    assert abs(metric(x, y).item() - found) > 1e-5 * found
    inner = torch.zeros(260, 240, dtype=torch.bool)
    inner[10:100, 10:100] = True
    with pytest.raises(TooSmallError, match=r"no window of what layer .* sees lies in the region"):
        metric(x, y, inner)


def test_dists_agrees_with_torchmetrics(random_backbones: None, pair: tuple[torch.Tensor, torch.Tensor]) -> None:
    peer = torchmetrics_dists.DISTSNetwork().eval()
    expected = peer(*(each.float() / 255 for each in pair))
    # float32: the peer's covariances are differences of means of products
    assert dists(*pair).tolist() == pytest.approx(expected.tolist(), rel=1e-3)
    assert dists(pair[0], pair[0]).tolist() == pytest.approx([0, 0], abs=1e-6)


@pytest.mark.parametrize(("metric", "side"), [(lpips_alex, 31), (lpips_vgg, 16), (dists, 16)])
def test_images_that_nothing_arrives_of_are_refused(metric: PAIRED, side: int) -> None:
    image = torch.zeros(1, 3, side - 1, 200, dtype=torch.uint8)
    with pytest.raises(ValueError, match=f"both sides must be {side} or more"):
        metric(image, image)


@pytest.mark.parametrize("metric", [lpips_alex, lpips_vgg, dists])
def test_absent_weights_are_an_error_and_no_number(
    metric: PAIRED, pair: tuple[torch.Tensor, torch.Tensor], monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    for cached in (imagenet.pretrained, lpips_heads.pretrained, dists_network.weights):
        cached.cache_clear()
    with pytest.raises(ValueError, match="are absent"):
        metric(*pair)
