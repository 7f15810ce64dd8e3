"""PSNR-HVS-M: errors of 8x8 blocks, weighted by how well an eye sees them, less what the block's own detail hides."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ablate.metrics.images.luma import luma
from ablate.metrics.images.pixel import decibels, require_images
from ablate.metrics.images.region import require_some, windows
from ablate.metrics.metric import Needs
from ablate.plugins import metric

if TYPE_CHECKING:
    from torch import Tensor

BLOCK = 8
QUANTIZATION = (
    (16, 11, 10, 16, 24, 40, 51, 61),
    (12, 12, 14, 19, 26, 58, 60, 55),
    (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62),
    (18, 22, 37, 56, 68, 109, 103, 77),
    (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101),
    (72, 92, 95, 98, 112, 100, 103, 99),
)
"""JPEG's table for luma (ITU-T T.81, table K.1), which both tables of the metric are made from."""

SENSITIVITY = tuple(tuple(round(25.73509 / step, 6) for step in row) for row in QUANTIZATION)
"""Weight of an error in each coefficient; to six digits, as the authors print it."""

MASKING = tuple(tuple(round((10 / step) ** 2, 6) for step in row) for row in QUANTIZATION)
"""How much of each coefficient's energy hides errors; to six digits, as the authors print it."""


def _squared_error(decibel: Tensor) -> Tensor:
    """Returns the weighted mean squared error that a figure was made of, 0 where nothing of the error is seen."""
    return 255**2 / 10 ** (decibel / 10)


@metric(
    label="PSNR-HVS-M",
    unit="dB",
    direction="higher",
    decimals=2,
    place=5,
    default=False,
    needs=Needs(smallest_side=BLOCK),
    beside={"mse_hvs_m": _squared_error},
    formula="10 log10(255^2 / mean of (CSF max(|DCT(x) - DCT(y)| - masking, 0))^2) over 8x8 blocks of BT.601 luma",
    source="Ponomarenko et al. 2007, VPQM-07; tables and masking as in the authors' psnrhvsm.m; full-range luma",
)
def psnr_hvs_m(originals: Tensor, reconstructions: Tensor, region: Tensor | None = None) -> Tensor:
    """Returns the PSNR of visible errors of each pair of uint8 images (N, 3, H, W): float64 (N,), in dB.

    It is inf where no error is visible, which identical images are not alone in. Rows and columns beyond the last
    whole block do not count. The authors' program takes a grey image; grey ones of three channels get its figure. Of a
    region, bool (H, W), it is that of the blocks that lie in it as a whole.

    Raises:
        ValueError: for images that are not uint8 RGB, differ in shape or have a side below 8 pixels, and for a region
            without a block.
    """
    import torch

    require_images(originals, reconstructions, BLOCK)
    blocks = [_blocks(luma(each)) for each in (originals, reconstructions)]
    transform = _cosines(originals)
    spectra = [transform @ each @ transform.T for each in blocks]
    hides = torch.maximum(*(_masking(*each) for each in zip(blocks, spectra, strict=True)))

    # The mean of a block is never hidden.
    thresholds = hides[..., None, None] / originals.new_tensor(MASKING, dtype=torch.float64)
    thresholds[..., 0, 0] = 0
    visible = ((spectra[0] - spectra[1]).abs() - thresholds).clamp(min=0)
    squares = (visible * originals.new_tensor(SENSITIVITY, dtype=torch.float64)).square()
    if region is not None:
        squares = squares[:, None, require_some(windows(region, BLOCK, BLOCK), f"block of {BLOCK} pixels")]
    return decibels(squares.mean(dim=(1, 2, 3, 4)))


def _blocks(planes: Tensor) -> Tensor:
    """Cuts planes (N, H, W) into whole blocks (N, rows, columns, 8, 8)."""
    return planes.unfold(1, BLOCK, BLOCK).unfold(2, BLOCK, BLOCK)


def _masking(blocks: Tensor, spectra: Tensor) -> Tensor:
    """Returns how large an error each block hides, before it is shared out among coefficients: (N, rows, columns).

    Detail hides errors where it fills the block, and an edge does not: the quarters then vary less than the whole.
    """
    import torch

    energy = spectra.square() * blocks.new_tensor(MASKING)
    energy[..., 0, 0] = 0
    half = BLOCK // 2
    quarters = sum(
        _variation(blocks[..., rows, columns])
        for rows in (slice(half), slice(half, None))
        for columns in (slice(half), slice(half, None))
    )
    whole = _variation(blocks)
    evenness = torch.where(whole > 0, quarters / whole, 0.0)
    return (energy.sum(dim=(-2, -1)) * evenness).sqrt() / 32


def _variation(blocks: Tensor) -> Tensor:
    """Returns the sample variance of each block times its pixels, 0 for one of equal pixels."""
    return blocks.flatten(-2).var(dim=-1) * blocks.shape[-2] * blocks.shape[-1]


def _cosines(like: Tensor) -> Tensor:
    """Returns the orthonormal cosine transform D (8, 8): D x D^T is the spectrum of a block x."""
    import torch

    steps = torch.arange(BLOCK, dtype=torch.float64, device=like.device)
    rows = (torch.pi / BLOCK * steps[:, None] * (steps + 0.5)).cos() * (2 / BLOCK) ** 0.5
    rows[0] /= 2**0.5
    return rows
