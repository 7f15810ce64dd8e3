"""The originals' features, which every cell of a grid needs and none has to compute twice."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ablate import metrics
from ablate.atomic import write_with
from ablate.config import RESULTS_VERSION, content_sha256
from ablate.data import Images


def original_features(extractor: metrics.Extractor, patch: int, images: Images, directory: Path) -> Tensor:
    """Returns the features (n, tap) of all patches of `images`, from `directory` where some process left them.

    What is kept stands under a hash of all that it depends on: images, weights, tap, patches, device, code version.
    """
    network = (extractor.name, extractor.tap, extractor.weights_sha256, extractor.preprocessing)
    settings = {
        "results_version": RESULTS_VERSION,
        "pictures": images.identity,
        "extractor": [*network, torch.device(extractor.device).type],
        "patch": patch,
    }
    path = directory / f"features-{content_sha256(settings)[:16]}.npy"
    if not path.exists():
        # Workers that begin at once compute the same bytes, and the last one's stay.
        found = torch.cat([image_features(extractor, as_tensor(each), patch) for each in images])
        write_with(path, lambda file: np.save(file, found.numpy()))
    return torch.from_numpy(np.load(path))


def image_features(extractor: metrics.Extractor, image: Tensor, patch: int) -> Tensor:
    """Returns the features (n, tap) of the patches of a uint8 image (3, H, W), none for one smaller than a patch."""
    cut = metrics.patches(image, patch, patch // 2)
    return extractor(cut) if len(cut) else torch.empty(0, extractor.tap)


def as_tensor(pixels: NDArray[np.uint8]) -> Tensor:
    """Copies an image out of the cache, which is mapped read-only."""
    return torch.from_numpy(pixels.copy())
