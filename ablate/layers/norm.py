"""Normalisation layers: the source's instance norm, HiFiC's channel norm, or none."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ablate.layers.settings import Norm


class InstanceNorm(nn.Module):
    """Instance norm with scale and shift, eps 1e-6 (tf.contrib.layers.instance_norm).

    A single pixel has no variance, so that it becomes the shift, as in TensorFlow.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        if x.shape[-1] * x.shape[-2] == 1:
            return self.bias[None, :, None, None].expand_as(x)
        return F.instance_norm(x, weight=self.weight, bias=self.bias, eps=1e-6)


class ChannelNorm(nn.Module):
    """Normalises over the channels of each pixel, eps 1e-3 (Mentzer et al. 2020, HiFiC, appendix A.1).

    It uses no statistics over the image, so that training on crops and testing on whole images agree. While biases
    are small it is blind to a pixel's magnitude, and behind the first convolution that is the image's brightness.
    """

    EPSILON = 1e-3

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        last = x.permute(0, 2, 3, 1)
        return F.layer_norm(last, last.shape[-1:], self.weight, self.bias, eps=self.EPSILON).permute(0, 3, 1, 2)


class BatchNormOfVectors(nn.Module):
    """Normalises each value over the batch alone, eps 1e-3, as the source's batch norm of a dense layer does.

    At batch 1 everything becomes the shift. Its statistics are always the batch's own: the source too feeds
    `training_phase` when it compresses, since its moving variance tends to 0.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        centred = x - x.mean(0)
        normal = centred * (centred.square().mean(0) + 1e-3).rsqrt()
        return normal * self.weight[:, None, None] + self.bias[:, None, None]


def norm(kind: Norm, channels: int) -> nn.Module:
    """Builds the normalisation layer that the settings name."""
    if kind == "instance":
        return InstanceNorm(channels)
    return ChannelNorm(channels) if kind == "channel" else nn.Identity()


def latent_norm(kind: Literal["instance", "batch", "none"], channels: int) -> nn.Module:
    """Builds what keeps every latent channel within reach of the centers.

    Instance norm, as in the source, takes each image's mean away and with it its brightness. Batch norm keeps it:
    its statistics are the data set's when an image is compressed. Without either, channels run off to one center.
    """
    if kind == "instance":
        return InstanceNorm(channels)
    return nn.BatchNorm2d(channels) if kind == "batch" else nn.Identity()
