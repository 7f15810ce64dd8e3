"""SSIM and MS-SSIM of images in any range: the functions of pytorch-msssim by name, arguments and values.

    from ablate.losses.functional import ms_ssim          # in place of: from pytorch_msssim import ms_ssim
    loss = 1 - ms_ssim(reconstruction, image, data_range=1.0)

They return similarities, 1 for equal images, differentiable once in both images, and compute them by the fastest code
that agrees with the definition on the machine at hand: C on a CPU, compiled at the first call, Triton on a GPU. Images
of half precision are compared in float32, and the result is float32.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from ablate.losses.fast import Kernels, forms
from ablate.losses.structure import SCALE_WEIGHTS, Measure, dissimilarity, gaussian, multiscale, smallest_side
from ablate.networks.exact import at_least_float32, full_precision

Rows = tuple[tuple[float, ...], ...]
"""The window's taps along one side: one row for all channels, or one for each."""


def ssim(
    X: Tensor,  # noqa: N803 - as in pytorch-msssim
    Y: Tensor,  # noqa: N803
    data_range: float = 255,
    size_average: bool = True,
    win_size: int = 11,
    win_sigma: float = 1.5,
    win: Tensor | None = None,
    K: tuple[float, float] = (0.01, 0.03),  # noqa: N803
    nonnegative_ssim: bool = False,
    *,
    kernels: Kernels = "auto",
) -> Tensor:
    """Returns the structural similarity of images (N, C, H, W) or volumes (N, C, D, H, W), the mean over channels.

    Args:
        X: images, in [0, data_range].
        Y: those that they are compared with.
        data_range: the value of white, 255 or 1.0.
        size_average: the mean over the images, a scalar; otherwise one value an image, (N,).
        win_size: taps of the Gaussian window along a side, odd; a side that is shorter is not averaged over.
        win_sigma: its standard deviation in pixels.
        win: the window itself, (C, 1, …, 1, taps), in its place.
        K: the constants of luminance and contrast.
        nonnegative_ssim: counts a channel whose similarity is below 0 as 0.
        kernels: "auto", or "eager" for the definition, which can be differentiated again and again.

    Raises:
        ValueError: for images that do not fit together, and for another window.
    """
    given = _Given(X, Y, data_range, win_size, win_sigma, win, K)
    return given.similarity((1.0,), size_average, clipped=nonnegative_ssim, kernels=kernels)


def ms_ssim(
    X: Tensor,  # noqa: N803 - as in pytorch-msssim
    Y: Tensor,  # noqa: N803
    data_range: float = 255,
    size_average: bool = True,
    win_size: int = 11,
    win_sigma: float = 1.5,
    win: Tensor | None = None,
    weights: Sequence[float] | Tensor | None = None,
    K: tuple[float, float] = (0.01, 0.03),  # noqa: N803
    *,
    kernels: Kernels = "auto",
) -> Tensor:
    """Returns the multi-scale structural similarity, 0 to 1, of images or volumes, the mean over channels.

    Args:
        X: as in `ssim`, and so are all others but one.
        Y: those that they are compared with.
        data_range: the value of white.
        size_average: a scalar, or one value an image.
        win_size: taps of the Gaussian window along a side, odd.
        win_sigma: its standard deviation in pixels.
        win: the window itself.
        weights: the levels' exponents, the finest first; Wang's five where there are none.
        K: the constants of luminance and contrast.
        kernels: "auto", or "eager" for the definition.

    Raises:
        ValueError: as `ssim`, and for sides that the window does not fit into at the coarsest level: 161 pixels are
            needed for 11 taps and 5 levels.
    """
    given = _Given(X, Y, data_range, win_size, win_sigma, win, K)
    exponents = SCALE_WEIGHTS if weights is None else tuple(float(weight) for weight in weights)
    if not exponents or min(exponents) < 0:
        raise ValueError(f"weights are the exponents of one level or more, none below 0, not {exponents}")
    least, side = smallest_side(levels=len(exponents), window=given.size), min(given.x.shape[2:])
    if side < least:
        raise ValueError(
            f"MS-SSIM of {len(exponents)} levels with a window of {given.size} needs sides of at least {least} pixels, "
            f"not {side}"
        )
    return given.similarity(exponents, size_average, clipped=True, kernels=kernels)


class _Given:
    """Images and window as they were given, checked."""

    def __init__(
        self,
        x: Tensor,
        y: Tensor,
        data_range: float,
        win_size: int,
        win_sigma: float,
        win: Tensor | None,
        constants: tuple[float, float],
    ) -> None:
        self.x, self.y = _images(x, y)
        channels = self.x.shape[1]
        self.rows = _rows(win, channels) if win is not None else (gaussian(win_size, win_sigma),)
        self.size = len(self.rows[0])
        if self.size % 2 != 1:
            raise ValueError(f"a window has an odd number of taps, not {self.size}")
        if data_range <= 0:
            raise ValueError(f"data_range is the value of white, above 0, not {data_range}")
        self.data_range = float(data_range)
        self.c1, self.c2 = ((k * self.data_range) ** 2 for k in constants)

    def similarity(self, weights: tuple[float, ...], mean: bool, *, clipped: bool, kernels: Kernels) -> Tensor:
        """Returns SSIM where there is one level and it is not clipped, and MS-SSIM otherwise."""
        fast, images = forms(kernels), None
        if fast is not None and len(self.rows) == 1 and min(self.x.shape[2:]) >= self.size:
            how = {"taps": self.rows[0], "c1": self.c1, "c2": self.c2, "black": 0.0}
            images = fast.image_similarity(self.x, self.y, self.data_range, **how, weights=weights, clipped=clipped)
        if images is None:
            images = self._by_definition(weights, clipped)
        return images.mean() if mean else images

    def _by_definition(self, weights: tuple[float, ...], clipped: bool) -> Tensor:
        x, y = at_least_float32(self.x), at_least_float32(self.y)
        measure = Measure(self._averaged, self.c1, self.c2, 0.0)
        if clipped:
            return 1 - multiscale(x, y, weights, measure).mean(1)
        return 1 - dissimilarity(x, y, measure, luminance=True).mean(1)

    def _averaged(self, planes: Tensor) -> Tensor:
        """Averages planes (N, channels, …) under the window, along each side that it fits into."""
        weight = torch.tensor(self.rows, dtype=planes.dtype, device=planes.device)
        weight = weight.repeat(planes.shape[1] // len(weight), 1)
        sides = planes.ndim - 2
        convolve = F.conv2d if sides == 2 else F.conv3d
        if sides == 2:
            # A depthwise convolution is several times faster in this memory format.
            planes = planes.contiguous(memory_format=torch.channels_last)
        with full_precision(planes.device):
            for side in range(sides):
                if planes.shape[2 + side] < self.size:
                    warnings.warn(
                        f"a side of {planes.shape[2 + side]} pixels is shorter than the window of {self.size}, and is "
                        "not averaged over",
                        stacklevel=2,
                    )
                    continue
                shape = [1] * sides
                shape[side] = self.size
                planes = convolve(planes, weight.reshape(-1, 1, *shape), groups=len(weight))
        return planes


def _images(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Returns images without sides of one pixel, as pytorch-msssim takes them."""
    if x.shape != y.shape:
        raise ValueError(f"images of one shape are compared, not of {tuple(x.shape)} and {tuple(y.shape)}")
    for each in (x, y):
        if not each.is_floating_point():
            raise ValueError(f"images are floating-point numbers in [0, data_range], not {each.dtype}: call .float()")
    sides = [dim for dim in range(2, x.ndim) if x.shape[dim] == 1]
    x, y = (each.squeeze(sides) for each in (x, y))
    if x.ndim not in (4, 5):
        raise ValueError(f"images are (N, C, H, W) or (N, C, D, H, W), not {tuple(x.shape)}")
    return x, y


def _rows(win: Tensor, channels: int) -> Rows:
    """Returns the taps of a window (C, 1, …, 1, taps) that was given: one row, where all channels have the same."""
    rows: Rows = tuple(tuple(row) for row in win.detach().double().reshape(-1, win.shape[-1]).tolist())
    if len(rows) not in (1, channels):
        raise ValueError(f"a window is (C, 1, …, 1, taps) for {channels} channels, not {tuple(win.shape)}")
    return rows[:1] if len(set(rows)) == 1 else rows
