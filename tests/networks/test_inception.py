"""The network of FID, on weights drawn at random and, where ABLATE_INCEPTION names it, on the real file."""

from __future__ import annotations

import hashlib
import math
import os
import re
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3
from torch_fidelity.interpolate_compat_tensorflow import interpolate_bilinear_2d_like_tensorflow1x

from ablate.metrics import extractor
from ablate.networks import inception
from ablate.networks.inception import Inception, resized, with_weights
from ablate.rng import stream


@pytest.fixture(scope="session")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of weights drawn at random, each map about as spread out as the image."""
    path = tmp_path_factory.mktemp("inception") / "weights.pth"
    random, weights = stream(0, "test.inception"), Inception().state_dict()
    for name, tensor in weights.items():
        if name.endswith("running_var"):
            tensor.uniform_(0.5, 1.5, generator=random)
        elif name.endswith("bn.weight"):
            tensor.uniform_(0.8, 1.2, generator=random)
        elif tensor.is_floating_point():
            tensor.normal_(0, (2 / tensor[0].numel()) ** 0.5 if tensor.ndim > 1 else 0.1, generator=random)
    torch.save(weights, path)
    return path


def images(height: int, width: int) -> torch.Tensor:
    return torch.randint(256, (2, 3, height, width), dtype=torch.uint8, generator=stream(1, "test.images"))


def agrees_with_places(file: Path, ours: Inception, size: tuple[int, int]) -> None:
    """Compares features that keep their places with an activation inside torch-fidelity's network."""
    peer = FeatureExtractorInceptionV3("peer", ["2048"], feature_extractor_weights_path=str(file))
    seen: list[torch.Tensor] = []
    peer.Mixed_6d.branch1x1.register_forward_hook(lambda *given: seen.append(given[-1]))
    with torch.inference_mode():
        peer(images(*size))
        found = ours.spatial(images(*size).float())
    assert seen[0].shape == (2, 192, 17, 17)
    expected = seen[0][:, :7].reshape(2, -1)
    assert expected.std() > 0.1
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-4)


def agrees(file: Path, ours: Inception, size: tuple[int, int]) -> None:
    """Compares features with torch-fidelity's network on one file of weights."""
    peer = FeatureExtractorInceptionV3("peer", ["2048"], feature_extractor_weights_path=str(file))
    with torch.inference_mode():
        expected, found = peer(images(*size))[0], ours(images(*size).float())
    assert expected.std() > 0.1
    # float32 through 94 convolutions whose sums may run in another order
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize("size", [(64, 64), (400, 333)])
def test_features_agree_with_torch_fidelity_on_random_weights(drawn: Path, size: tuple[int, int]) -> None:
    agrees(drawn, with_weights(torch.load(drawn, weights_only=True)), size)


@pytest.mark.parametrize("size", [(64, 64), (400, 333)])
def test_features_with_places_agree_with_torch_fidelity_on_random_weights(drawn: Path, size: tuple[int, int]) -> None:
    agrees_with_places(drawn, with_weights(torch.load(drawn, weights_only=True)), size)


@pytest.mark.skipif("ABLATE_INCEPTION" not in os.environ, reason="ABLATE_INCEPTION names no weights")
def test_features_agree_with_torch_fidelity_on_the_published_weights() -> None:
    agrees(Path(os.environ["ABLATE_INCEPTION"]), inception.pretrained("cpu"), (256, 256))
    agrees_with_places(Path(os.environ["ABLATE_INCEPTION"]), inception.pretrained("cpu"), (256, 256))


def test_names_and_shapes_are_those_of_the_published_file() -> None:
    with torch.device("meta"):
        shapes = {
            name: tuple(tensor.shape)
            for name, tensor in Inception().state_dict().items()
            if not name.endswith("num_batches_tracked")
        }
    assert len(shapes) == 472
    assert sum(math.prod(shape) for shape in shapes.values()) == 23_885_392
    with torch.device("meta"):
        theirs = _peer_shapes()
    assert shapes == theirs


def _peer_shapes() -> dict[str, tuple[int, ...]]:
    loading = pytest.MonkeyPatch()
    with loading.context() as patch:
        patch.setattr(FeatureExtractorInceptionV3, "load_state_dict", lambda *_: None)
        patch.setattr(FeatureExtractorInceptionV3, "to", lambda *_: None)
        patch.setattr(torch, "load", lambda *_, **__: {})
        peer = FeatureExtractorInceptionV3("peer", ["2048"], feature_extractor_weights_path="none")
    state = peer.state_dict().items()
    return {name: tuple(tensor.shape) for name, tensor in state if not name.endswith("num_batches_tracked")}


@pytest.mark.parametrize("size", [(64, 64), (299, 299), (37, 512), (1, 3)])
def test_images_are_resized_as_tensorflow_1_did_bit_for_bit(size: tuple[int, int]) -> None:
    x = images(*size).float()
    assert torch.equal(resized(x, 299), interpolate_bilinear_2d_like_tensorflow1x(x, (299, 299), align_corners=False))


def test_a_file_without_the_counts_of_batches_is_read_too(drawn: Path) -> None:
    weights = torch.load(drawn, weights_only=True)
    fewer = {name: tensor for name, tensor in weights.items() if not name.endswith("num_batches_tracked")}
    with torch.inference_mode():
        x = images(32, 32).float()
        assert torch.equal(with_weights(fewer)(x), with_weights(weights)(x))


def test_weights_of_another_network_are_refused() -> None:
    with pytest.raises(ValueError, match=r"471 of 566 are missing.* such as Conv2d_1a_3x3\.bn\.bias"):
        with_weights({"fc.weight": torch.zeros(1008, 2048)})


@pytest.fixture
def published(drawn: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """Lets the drawn file stand for the published one; torch's cache is empty, no variable is set."""
    sha256 = hashlib.sha256(drawn.read_bytes()).hexdigest()
    monkeypatch.setattr(inception, "WEIGHTS", replace(inception.WEIGHTS, sha256=sha256, url=drawn.as_uri()))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.delenv("ABLATE_INCEPTION", raising=False)
    inception.pretrained.cache_clear()
    return sha256


def test_the_extractor_downloads_once_and_then_reads_the_cache(
    published: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    features = extractor("inception")(images(64, 64))
    assert features.shape == (2, 2048)
    assert [path.name for path in (tmp_path / "hub/checkpoints").iterdir()] == [inception.WEIGHTS.name]
    inception.pretrained.cache_clear()
    monkeypatch.setattr(inception, "WEIGHTS", replace(inception.WEIGHTS, url="http://127.0.0.1:9/none"))
    assert torch.equal(extractor("inception", tap=2048)(images(64, 64)), features)
    places = extractor("inception", tap=2023)(images(64, 64))
    with torch.inference_mode():
        assert torch.equal(places, inception.pretrained("cpu").spatial(images(64, 64).float()))
    inception.pretrained.cache_clear()


def test_a_file_given_goes_before_all_others(published: str, drawn: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inception, "WEIGHTS", replace(inception.WEIGHTS, url="http://127.0.0.1:9/none"))
    assert extractor("inception", weights=str(drawn)).tap == 2048
    with pytest.raises(ValueError, match=r"there is no file /no/such/file\.pth"):
        extractor("inception", weights="/no/such/file.pth")
    inception.pretrained.cache_clear()


def test_without_a_network_the_refusal_says_how_to_get_the_weights(
    published: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    url = "http://127.0.0.1:9/weights.pth"
    monkeypatch.setattr(inception, "WEIGHTS", replace(inception.WEIGHTS, url=url))
    with pytest.raises(ValueError, match="absent and cannot be downloaded") as caught:
        extractor("inception")
    for part in (url, str(tmp_path / "hub/checkpoints" / inception.WEIGHTS.name), "ABLATE_INCEPTION"):
        assert part in str(caught.value)
    assert list((tmp_path / "hub/checkpoints").iterdir()) == []


def test_a_truncated_file_and_one_with_a_changed_byte_are_refused(
    published: str, drawn: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    content = drawn.read_bytes()
    middle = len(content) // 2
    for name, damaged in (
        ("short.pth", content[:-1000]),
        ("changed.pth", content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]),
    ):
        (tmp_path / name).write_bytes(damaged)
        monkeypatch.setenv("ABLATE_INCEPTION", str(tmp_path / name))
        with pytest.raises(ValueError, match=re.escape(str(tmp_path / name)) + ".*cut short, damaged or another file"):
            extractor("inception")


def test_the_hash_is_the_whole_one() -> None:
    assert re.fullmatch("[0-9a-f]{64}", inception.WEIGHTS.sha256)
    assert inception.WEIGHTS.sha256[:8] in inception.WEIGHTS.name
