"""The InceptionV3 of 2015-12-05 that FID is defined by, with the parameter names of its published weights.

It differs from torchvision's: average pooling leaves padded zeros out, the last block pools by maximum, there are 1008
classes, and images are resized as TensorFlow 1 did.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ablate.networks.weights_file import WeightsFile

SIDE = 299
WIDTH = 2048
SPATIAL_CHANNELS = 7
SPATIAL_WIDTH = SPATIAL_CHANNELS * 17**2
"""Width of the features that keep their places: 2023, about as many as the pooled ones."""
WEIGHTS = WeightsFile(
    name="weights-inception-2015-12-05-6726825d.pth",
    sha256="6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2",
    variable="ABLATE_INCEPTION",
    url="https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/weights-inception-2015-12-05-6726825d.pth",
)

Kernel = int | tuple[int, int]
Layer = tuple[str, int, Kernel]
"""The name of a convolution, its output channels and its kernel."""
Branch = Sequence[Layer | tuple[Layer, Layer]]
"""Convolutions one after another; a pair looks at the same map, and its channels follow each other."""


class Inception(nn.Module):
    """The network up to its last pooling, and the classifier that its weights file holds."""

    def __init__(self) -> None:
        super().__init__()
        self.Conv2d_1a_3x3 = Convolution(3, 32, 3, stride=2)
        self.Conv2d_2a_3x3 = Convolution(32, 32, 3)
        self.Conv2d_2b_3x3 = Convolution(32, 64, 3, padded=True)
        self.Conv2d_3b_1x1 = Convolution(64, 80, 1)
        self.Conv2d_4a_3x3 = Convolution(80, 192, 3)
        self.Mixed_5b = _block_35(192, pooled=32)
        self.Mixed_5c = _block_35(256, pooled=64)
        self.Mixed_5d = _block_35(288, pooled=64)
        self.Mixed_6a = _to_17(288)
        self.Mixed_6b = _block_17(768, narrow=128)
        self.Mixed_6c = _block_17(768, narrow=160)
        self.Mixed_6d = _block_17(768, narrow=160)
        self.Mixed_6e = _block_17(768, narrow=192)
        self.Mixed_7a = _to_8(768)
        self.Mixed_7b = _block_8(1280, pool="average")
        self.Mixed_7c = _block_8(2048, pool="maximum")
        self.fc = nn.Linear(WIDTH, 1008)

    def forward(self, images: Tensor) -> Tensor:
        """Returns the features (N, 2048) of float images (N, 3, H, W) in 0 to 255."""
        return self._blocks(images, "Mixed_7c").mean(dim=(2, 3))

    def spatial(self, images: Tensor) -> Tensor:
        """Returns features with their places, (N, 2023), of float images (N, 3, H, W) in 0 to 255.

        They are the first seven channels of the 1x1 convolution in block Mixed_6d, which TensorFlow calls mixed_6/conv.
        """
        convolution = self.Mixed_6d.get_submodule("branch1x1")
        activation: Tensor = convolution(self._blocks(images, "Mixed_6c"))
        return activation[:, :SPATIAL_CHANNELS].flatten(1)

    def _blocks(self, images: Tensor, last: str) -> Tensor:
        """Returns the map (N, C, h, w) of the block `last`."""
        x = (resized(images, SIDE) - 128) / 128
        x = self.Conv2d_2b_3x3(self.Conv2d_2a_3x3(self.Conv2d_1a_3x3(x)))
        x = self.Conv2d_4a_3x3(self.Conv2d_3b_1x1(F.max_pool2d(x, 3, 2)))
        x = F.max_pool2d(x, 3, 2)
        for name, block in self.named_children():
            if name.startswith("Mixed"):
                x = block(x)
            if name == last:
                break
        return x


class Convolution(nn.Module):
    """A convolution, its batch norm and ReLU; unpadded unless `padded`."""

    def __init__(
        self, in_channels: int, out_channels: int, kernel: Kernel, stride: int = 1, padded: bool = False
    ) -> None:
        super().__init__()
        sides = (kernel, kernel) if isinstance(kernel, int) else kernel
        padding = (sides[0] // 2, sides[1] // 2) if padded else (0, 0)
        self.conv = nn.Conv2d(in_channels, out_channels, sides, stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(out_channels, eps=1e-3)

    def forward(self, x: Tensor) -> Tensor:
        """Maps (N, in_channels, H, W) to (N, out_channels, H', W')."""
        return F.relu(self.bn(self.conv(x)))


class Mixed(nn.Module):
    """Branches that look at one map side by side; their channels follow each other, a pooled map's last.

    Where `halves`, the last convolution of each branch takes every second position unpadded, and so does the pooling,
    whose map is passed on as it is.
    """

    def __init__(
        self, in_channels: int, branches: Sequence[Branch], pool: str, pooled: int = 0, halves: bool = False
    ) -> None:
        super().__init__()
        self._branches, self._pool, self._halves = branches, pool, halves
        for branch in branches:
            channels = in_channels
            for step in branch:
                last = halves and step is branch[-1]
                for name, out_channels, kernel in _layers(step):
                    stride = 2 if last else 1
                    setattr(self, name, Convolution(channels, out_channels, kernel, stride, padded=not last))
                channels = sum(out_channels for _, out_channels, _ in _layers(step))
        if pooled:
            self.branch_pool = Convolution(in_channels, pooled, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Maps (N, in_channels, H, W) to the joined channels of all branches."""
        outputs = []
        for branch in self._branches:
            y = x
            for step in branch:
                y = torch.cat([getattr(self, name)(y) for name, *_ in _layers(step)], 1)
            outputs.append(y)
        if self._halves:
            outputs.append(F.max_pool2d(x, 3, 2))
        elif self._pool == "average":
            outputs.append(self.branch_pool(F.avg_pool2d(x, 3, 1, 1, count_include_pad=False)))
        else:
            outputs.append(self.branch_pool(F.max_pool2d(x, 3, 1, 1)))
        return torch.cat(outputs, 1)


def _layers(step: Layer | tuple[Layer, Layer]) -> tuple[Layer, ...]:
    return (step,) if isinstance(step[0], str) else step


def _block_35(channels: int, pooled: int) -> Mixed:
    branches: Sequence[Branch] = (
        [("branch1x1", 64, 1)],
        [("branch5x5_1", 48, 1), ("branch5x5_2", 64, 5)],
        [("branch3x3dbl_1", 64, 1), ("branch3x3dbl_2", 96, 3), ("branch3x3dbl_3", 96, 3)],
    )
    return Mixed(channels, branches, "average", pooled)


def _to_17(channels: int) -> Mixed:
    branches: Sequence[Branch] = (
        [("branch3x3", 384, 3)],
        [("branch3x3dbl_1", 64, 1), ("branch3x3dbl_2", 96, 3), ("branch3x3dbl_3", 96, 3)],
    )
    return Mixed(channels, branches, "maximum", halves=True)


def _block_17(channels: int, narrow: int) -> Mixed:
    branches: Sequence[Branch] = (
        [("branch1x1", 192, 1)],
        [("branch7x7_1", narrow, 1), ("branch7x7_2", narrow, (1, 7)), ("branch7x7_3", 192, (7, 1))],
        [
            ("branch7x7dbl_1", narrow, 1),
            ("branch7x7dbl_2", narrow, (7, 1)),
            ("branch7x7dbl_3", narrow, (1, 7)),
            ("branch7x7dbl_4", narrow, (7, 1)),
            ("branch7x7dbl_5", 192, (1, 7)),
        ],
    )
    return Mixed(channels, branches, "average", pooled=192)


def _to_8(channels: int) -> Mixed:
    branches: Sequence[Branch] = (
        [("branch3x3_1", 192, 1), ("branch3x3_2", 320, 3)],
        [
            ("branch7x7x3_1", 192, 1),
            ("branch7x7x3_2", 192, (1, 7)),
            ("branch7x7x3_3", 192, (7, 1)),
            ("branch7x7x3_4", 192, 3),
        ],
    )
    return Mixed(channels, branches, "maximum", halves=True)


def _block_8(channels: int, pool: str) -> Mixed:
    branches: Sequence[Branch] = (
        [("branch1x1", 320, 1)],
        [("branch3x3_1", 384, 1), (("branch3x3_2a", 384, (1, 3)), ("branch3x3_2b", 384, (3, 1)))],
        [
            ("branch3x3dbl_1", 448, 1),
            ("branch3x3dbl_2", 384, 3),
            (("branch3x3dbl_3a", 384, (1, 3)), ("branch3x3dbl_3b", 384, (3, 1))),
        ],
    )
    return Mixed(channels, branches, pool, pooled=192)


def resized(images: Tensor, side: int) -> Tensor:
    """Resizes float images (N, C, H, W) to (N, C, side, side) as TensorFlow 1 did: bilinear, corner to corner.

    Output pixel i lies at i * H / side of the input, without the half pixel that puts centers on centers, and nothing
    is averaged where images shrink. Source: tf.image.resize_bilinear of TensorFlow 1, align_corners = False.
    """
    for dim in (3, 2):
        size = images.shape[dim]
        place = torch.arange(side, device=images.device, dtype=images.dtype) * torch.tensor(size / side)
        low = place.long()
        share = (place - low).reshape((side,) if dim == 3 else (side, 1))
        first, second = images.index_select(dim, low), images.index_select(dim, (low + 1).clamp(max=size - 1))
        images = first + (second - first) * share
    return images


@functools.cache
def pretrained(device: str, path: str | None = None) -> Inception:
    """Returns the frozen network with the published weights, every byte of which is checked; one for each device.

    Args:
        device: where it computes.
        path: of the weights file; by default that of ABLATE_INCEPTION, of torch's cache, or downloaded into it.

    Raises:
        ValueError: for weights that are absent and cannot be downloaded, or are other ones.
    """
    network = with_weights(WEIGHTS.load(path, download=True))
    network.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return network


def with_weights(weights: dict[str, Tensor]) -> Inception:
    """Returns the frozen network with given weights by name; how many batches its norms have seen does not matter.

    Raises:
        ValueError: for weights that are missing, or that there is no place for.
    """
    with torch.device("meta"):
        network = Inception()
    expected = network.state_dict()
    counts = {name: torch.zeros((), dtype=torch.int64) for name in expected if name.endswith("num_batches_tracked")}
    complete = {**counts, **weights}
    wrong = sorted(
        name
        for name in expected.keys() | complete.keys()
        if name not in expected or name not in complete or expected[name].shape != complete[name].shape
    )
    if wrong:
        raise ValueError(
            f"the weights are not InceptionV3's of 2015-12-05: {len(wrong)} of {len(expected)} are missing, too many "
            f"or of another shape, such as {wrong[0]}"
        )
    network.load_state_dict(complete, strict=True, assign=True)
    return network.eval().requires_grad_(False)
