"""The originals' features, kept for all cells."""

from dataclasses import replace

import pytest
import torch

from ablate import metrics
from ablate.data import prepare
from ablate.evaluate.features import image_features, original_features


class Counting:
    """A feature network of two means that counts its calls."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        return torch.stack([images.mean((1, 2, 3)), images[:, 0].mean((1, 2))], 1)


@pytest.fixture
def network() -> Counting:
    return Counting()


@pytest.fixture
def extractor(network: Counting) -> metrics.Extractor:
    return metrics.Extractor("means", 2, "0" * 64, "native size", "cpu", network)


def test_originals_are_looked_at_once_and_then_read_back(make_cell, tmp_path, network, extractor):
    images = prepare(make_cell().data, "train", tmp_path)
    first = original_features(extractor, 32, images, tmp_path)
    calls = network.calls
    second = original_features(extractor, 32, images, tmp_path)
    whole = [image_features(extractor, torch.from_numpy(each.copy()), 32) for each in images]
    assert calls > 0
    assert torch.equal(first, torch.cat(whole))
    assert torch.equal(first, second)
    assert network.calls == 2 * calls  # the second time was for this test


@pytest.mark.parametrize("other", ["patch", "weights", "pictures"])
def test_what_was_kept_for_something_else_is_not_read_back(make_cell, tmp_path, network, extractor, other):
    patch, images = 32, prepare(make_cell().data, "train", tmp_path)
    original_features(extractor, patch, images, tmp_path)
    calls = network.calls
    match other:
        case "patch":
            patch = 48
        case "weights":
            extractor = replace(extractor, weights_sha256="1" * 64)
        case "pictures":
            images = prepare(make_cell().data, "test", tmp_path)
    original_features(extractor, patch, images, tmp_path)
    assert network.calls > calls


def test_an_image_smaller_than_a_patch_has_no_features(extractor):
    image = torch.zeros(3, 20, 40, dtype=torch.uint8)
    assert image_features(extractor, image, 32).shape[0] == 0
