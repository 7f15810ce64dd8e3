"""Pairs of images of different kinds, on which this package is held to other people's."""

from __future__ import annotations

import io
from collections.abc import Callable
from importlib.resources import files

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

Pair = tuple[torch.Tensor, torch.Tensor]


def photo(name: str, height: int, width: int) -> torch.Tensor:
    """Returns the upper left of one of scikit-image's photographs, uint8 (3, height, width)."""
    with Image.open(str(files("skimage") / "data" / name)) as image:
        pixels = np.asarray(image.convert("RGB"))
    assert pixels.shape[0] >= height
    assert pixels.shape[1] >= width
    return torch.from_numpy(pixels[:height, :width].transpose(2, 0, 1).copy())


def noise(image: torch.Tensor, sigma: float) -> torch.Tensor:
    random = torch.Generator().manual_seed(0)
    return rounded(image + torch.randn(image.shape, generator=random) * sigma)


def blur(image: torch.Tensor, sigma: float) -> torch.Tensor:
    reach = max(1, round(3 * sigma))
    window = torch.exp(-(torch.arange(-reach, reach + 1.0) ** 2) / (2 * sigma**2))
    window /= window.sum()
    x = F.pad(image[:, None].float(), (reach,) * 4, mode="reflect")
    return rounded(F.conv2d(F.conv2d(x, window[None, None, None]), window[None, None, :, None])[:, 0])


def blocks(image: torch.Tensor, keep: float) -> torch.Tensor:
    """Codes 8 x 8 blocks: each pixel moves to the block's mean, `keep` of its distance from it staying."""
    height, width = (side // 8 * 8 for side in image.shape[1:])
    x = image.float()
    inner = x[:, :height, :width]
    means = F.avg_pool2d(inner[None], 8)[0].repeat_interleave(8, 1).repeat_interleave(8, 2)
    x[:, :height, :width] = means + (inner - means) * keep
    return rounded(x)


def jpeg(image: torch.Tensor, quality: int) -> torch.Tensor:
    file = io.BytesIO()
    Image.fromarray(image.permute(1, 2, 0).numpy()).save(file, "JPEG", quality=quality)
    with Image.open(file) as image:
        return torch.from_numpy(np.array(image)).permute(2, 0, 1).contiguous()


def rounded(pixels: torch.Tensor) -> torch.Tensor:
    return pixels.round().clamp(0, 255).byte()


def _off(image: torch.Tensor) -> torch.Tensor:
    """Changes one pixel of one channel by one level."""
    other = image.clone()
    other[1, 70, 90] ^= 1
    return other


def _flat(height: int, width: int, level: int) -> torch.Tensor:
    return torch.full((3, height, width), level, dtype=torch.uint8)


def _checkers(height: int, width: int) -> torch.Tensor:
    rows, columns = torch.arange(height)[:, None], torch.arange(width)
    return (((rows + columns) % 2) * 255).byte().expand(3, -1, -1).contiguous()


def _altered(name: str, height: int, width: int, change: Callable[[torch.Tensor], torch.Tensor]) -> Pair:
    image = photo(name, height, width)
    return image, change(image.clone())


def all_pairs() -> dict[str, Pair]:
    """Returns the pairs by name; each image is uint8 (3, H, W) with sides of 161 pixels or more."""
    return {
        "noise": _altered("chelsea.png", 176, 192, lambda x: noise(x, 10)),
        "strong noise": _altered("coffee.png", 176, 208, lambda x: noise(x, 60)),
        "blur": _altered("coffee.png", 192, 176, lambda x: blur(x, 1.5)),
        "strong blur": _altered("chelsea.png", 176, 208, lambda x: blur(x, 4)),
        "blocks": _altered("coffee.png", 177, 201, lambda x: blocks(x, 0.3)),
        "jpeg 10": _altered("chelsea.png", 176, 224, lambda x: jpeg(x, 10)),
        "jpeg 90": _altered("coffee.png", 208, 192, lambda x: jpeg(x, 90)),
        "inverted": _altered("coffee.png", 176, 176, lambda x: 255 - x),
        "identical": _altered("chelsea.png", 176, 176, lambda x: x),
        "one pixel off": _altered("chelsea.png", 176, 176, _off),
        "moved by one pixel": _altered("coffee.png", 192, 192, lambda x: x.roll(1, dims=2)),
        "half the contrast": _altered("chelsea.png", 176, 192, lambda x: rounded(x.float() / 2 + 64)),
        "brighter": _altered("coffee.png", 176, 192, lambda x: rounded(x.float() + 40)),
        "four levels": _altered("chelsea.png", 179, 250, lambda x: x // 64 * 64 + 32),
        "channels exchanged": _altered("coffee.png", 176, 176, lambda x: x.flip(0)),
        "nearly flat": (_flat(176, 192, 128), _flat(176, 192, 129)),
        "flat and noisy": (_flat(176, 176, 128), noise(_flat(176, 176, 128), 5)),
        "black and white": (_flat(176, 176, 0), _flat(176, 176, 255)),
        "checkers and grey": (_checkers(176, 192), _flat(176, 192, 127)),
        "smallest": _altered("chelsea.png", 161, 161, lambda x: blur(x, 1)),
        "odd sides": _altered("coffee.png", 191, 205, lambda x: noise(x, 20)),
        "odd and even sides": _altered("chelsea.png", 163, 210, lambda x: jpeg(x, 30)),
    }
