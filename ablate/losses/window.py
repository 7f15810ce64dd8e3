"""Averages over a separable window, which structure and pyramids are made of."""

from __future__ import annotations

import functools

from ablate.late_torch import F, Tensor, torch
from ablate.networks.exact import full_precision


def windowed(planes: Tensor, taps: tuple[float, ...]) -> Tensor:
    """Averages (N, C, H, W) under a window of k x k taps where it lies inside: (N, C, H - k + 1, W - k + 1).

    Never in less than the planes' own precision: variances are differences of such averages.
    """
    channels = planes.shape[1]
    column = _column(taps, planes.dtype, planes.device).expand(channels, -1, -1, -1)
    with full_precision(planes.device):
        # A depthwise convolution is several times faster in this memory format.
        rows = F.conv2d(planes.contiguous(memory_format=torch.channels_last), column, groups=channels)
        return F.conv2d(rows, column.transpose(-1, -2), groups=channels)


@functools.cache
def _column(taps: tuple[float, ...], dtype: torch.dtype, device: torch.device) -> Tensor:
    """Returns the taps as (1, 1, k, 1); kept, as each copy to a GPU would wait for it."""
    return torch.tensor(taps, dtype=dtype, device=device).reshape(1, 1, -1, 1)
