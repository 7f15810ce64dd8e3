"""The vision transformers of DINO and DINOv2, with the parameter names of their published weights."""

from __future__ import annotations

import functools
from collections.abc import Collection
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ablate.networks.imagenet import DEVIATION, MEAN
from ablate.networks.weights_file import WeightsFile

SIDE = 224
PATCH = 14
WIDTH = 1024
WEIGHTS = WeightsFile(
    name="dinov2_vitl14_pretrain.pth",
    sha256="d5383ea8f4877b2472eb973e0fd72d557c7da5d3611bd527ceeb1d7162cbf428",
    variable="ABLATE_DINOV2",
    url="https://dl.fbaipublicfiles.com/dinov2/dinov2_vitl14/dinov2_vitl14_pretrain.pth",
)

_TRAINED_TOKENS = 37 * 37
_OFFSET = 0.1
"""Added by the release to the number of patches a side before it divides by 37; its features shift by it."""


@dataclass(frozen=True)
class Shape:
    """Numbers that a transformer is built by; DINO's has neither layer scale nor mask token, which `scaled` says."""

    width: int = WIDTH
    depth: int = 24
    heads: int = 16
    tokens: int = _TRAINED_TOKENS
    patch: int = PATCH
    scaled: bool = True


LARGE = Shape()
"""ViT-L/14 of DINOv2."""


class DinoV2(nn.Module):
    """ViT with layer scale, by default ViT-L/14; its features are the normalised class token."""

    def __init__(self, shape: Shape = LARGE) -> None:
        super().__init__()
        width = shape.width
        self.cls_token = nn.Parameter(torch.zeros(1, 1, width))
        if shape.scaled:
            self.mask_token = nn.Parameter(torch.zeros(1, width))
        self.pos_embed = nn.Parameter(torch.zeros(1, 1 + shape.tokens, width))
        self.patch_embed = nn.ModuleDict({"proj": nn.Conv2d(3, width, shape.patch, shape.patch)})
        self.blocks = nn.ModuleList(Block(width, shape.heads, shape.scaled) for _ in range(shape.depth))
        self.norm = nn.LayerNorm(width, eps=1e-6)

    def forward(self, images: Tensor) -> Tensor:
        """Returns features (N, width) of float images (N, 3, H, W) in 0 to 255, resized to 224 pixels."""
        return self.tokens(prepared(images))[:, 0]

    def tokens(self, images: Tensor) -> Tensor:
        """Returns the tokens (N, 1 + patches, width) of normalised square images of whole patches."""
        x = self._embedded(images)
        for block in self.blocks:
            x = block(x)
        return self.norm(x)

    def maps(self, images: Tensor, after: Collection[int]) -> list[Tensor]:
        """Returns the patches' tokens as maps (N, width, h, w), those after each of some blocks, counted from 1."""
        x, found = self._embedded(images), []
        side = round((x.shape[1] - 1) ** 0.5)
        for number, block in enumerate(self.blocks, start=1):
            x = block(x)
            if number in after:
                found.append(x[:, 1:].transpose(1, 2).unflatten(2, (side, side)))
        return found

    def _embedded(self, images: Tensor) -> Tensor:
        x = self.patch_embed["proj"](images)
        places = self._places(x.shape[2])
        return torch.cat([self.cls_token.expand(len(x), -1, -1), x.flatten(2).transpose(1, 2)], 1) + places

    def _places(self, side: int) -> Tensor:
        """Returns the embedding of places (1, 1 + side^2, width), resized from the grid that it was trained on."""
        trained = round((self.pos_embed.shape[1] - 1) ** 0.5)
        if trained == side:
            return self.pos_embed
        grid = self.pos_embed[:, 1:].reshape(1, trained, trained, -1).permute(0, 3, 1, 2)
        scale = (side + _OFFSET) / trained
        grid = F.interpolate(grid, scale_factor=(scale, scale), mode="bicubic")
        assert grid.shape[2:] == (side, side)
        return torch.cat([self.pos_embed[:, :1], grid.flatten(2).transpose(1, 2)], 1)


class Block(nn.Module):
    """Attention and a perceptron, each behind a norm, scaled channel by channel and added."""

    def __init__(self, width: int, heads: int, scaled: bool = True) -> None:
        super().__init__()
        self._heads = heads
        self.norm1 = nn.LayerNorm(width, eps=1e-6)
        self.attn = nn.ModuleDict({"qkv": nn.Linear(width, 3 * width), "proj": nn.Linear(width, width)})
        self.ls1 = Scale(width) if scaled else nn.Identity()
        self.norm2 = nn.LayerNorm(width, eps=1e-6)
        self.mlp = nn.ModuleDict({"fc1": nn.Linear(width, 4 * width), "fc2": nn.Linear(4 * width, width)})
        self.ls2 = Scale(width) if scaled else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Maps tokens (N, n, width) to as many."""
        x = x + self.ls1(self._attention(self.norm1(x)))
        return x + self.ls2(self.mlp["fc2"](F.gelu(self.mlp["fc1"](self.norm2(x)))))

    def _attention(self, x: Tensor) -> Tensor:
        count, tokens, width = x.shape
        mixed = self.attn["qkv"](x).reshape(count, tokens, 3, self._heads, width // self._heads)
        attended = F.scaled_dot_product_attention(*mixed.permute(2, 0, 3, 1, 4).unbind())
        return self.attn["proj"](attended.transpose(1, 2).reshape(count, tokens, width))


class Scale(nn.Module):
    """A factor for each channel."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        """Maps (..., width) to as much."""
        return x * self.gamma


def prepared(images: Tensor) -> Tensor:
    """Resizes float images (N, 3, H, W) in 0 to 255 to 224 pixels, bicubic and antialiased, and normalises them."""
    resized = F.interpolate(images, (SIDE, SIDE), mode="bicubic", align_corners=False, antialias=True)
    mean, deviation = torch.tensor((MEAN, DEVIATION), device=images.device).reshape(2, 3, 1, 1)
    return (resized / 255 - mean) / deviation


@functools.cache
def pretrained(device: str, path: str | None = None) -> DinoV2:
    """Returns the frozen network with the published weights, every byte of which is checked; one for each device.

    Args:
        device: where it computes.
        path: of the weights file, by default that of ABLATE_DINOV2 or of torch's cache; 1.2 GB are not downloaded.

    Raises:
        ValueError: for weights that are absent or other ones.
    """
    return _frozen(WEIGHTS.load(path), LARGE, device)


@functools.cache
def frozen(file: WeightsFile, shape: Shape, device: str) -> DinoV2:
    """Returns the frozen network of a shape with the weights of a file; one for each device.

    Raises:
        ValueError: for weights that are absent or other ones.
    """
    return _frozen(file.load(), shape, device)


def _frozen(weights: dict[str, Tensor], shape: Shape, device: str) -> DinoV2:
    with torch.device("meta"):
        network = DinoV2(shape)
    network.load_state_dict(weights, strict=True, assign=True)
    return network.eval().requires_grad_(False).to(device)
