"""Network of DISTS: VGG16 that pools without aliasing, and the weight of each channel."""

from __future__ import annotations

import functools
from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ablate.networks.imagenet import DEVIATION, MEAN, VGG16
from ablate.networks.imagenet import pretrained as backbone
from ablate.networks.weights_file import WeightsFile

WEIGHTS = WeightsFile(
    name="DISTS_weights-f5e65c96.pth",
    sha256="f5e65c96230b7f6ca995691647d482237e4cab8a50c5c4a5784f219ef0748218",
    variable="ABLATE_DISTS",
    url="https://github.com/chaofengc/IQA-PyTorch/releases/download/v0.1-weights/DISTS_weights-f5e65c96.pth",
)


def maps(images: Tensor) -> Iterator[Tensor]:
    """Yields images (N, 3, H, W) in 0 to 1 themselves, then relu1_2, 2_2, 3_3, 4_3 and 5_3 of them."""
    yield images
    mean, deviation = torch.tensor((MEAN, DEVIATION), device=images.device).reshape(2, 3, 1, 1)
    x = (images - mean) / deviation
    for index, layer in enumerate(backbone(VGG16, images.device)):
        x = _pooled(x) if isinstance(layer, nn.MaxPool2d) else layer(x)
        if index in VGG16.taps:
            yield x


def _pooled(x: Tensor) -> Tensor:
    """Halves maps (N, c, H, W): the root of squares averaged under a Hann window of 3 x 3."""
    window = torch.hann_window(5, periodic=False, device=x.device)[1:-1]
    kernel = window[:, None] * window / window.sum() ** 2
    squares = F.conv2d(x.square(), kernel.expand(x.shape[1], 1, 3, 3), stride=2, padding=1, groups=x.shape[1])
    return (squares + 1e-12).sqrt()


@functools.cache
def weights(device: torch.device) -> tuple[Tensor, Tensor]:
    """Returns how much each channel's mean and its structure count, (1475,) each; together they sum to 1.

    Raises:
        ValueError: if the file is absent or another one.
    """
    published = WEIGHTS.load()
    alpha, beta = (published[name].to(device).flatten() for name in ("alpha", "beta"))
    total = alpha.sum() + beta.sum()
    return alpha / total, beta / total
