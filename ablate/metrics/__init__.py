"""Image and rate metrics: pure functions of uint8 pictures, of feature matrices and of symbols.

Pictures are uint8 RGB (N, 3, H, W): rounding happens once, before any metric. Importing this package does not import
torch.
"""

from ablate.metrics.catalogue import extractors, metrics
from ablate.metrics.distance import fd_lite0_112, fd_lite0_1280, frechet_distance, frechet_distance_moments
from ablate.metrics.features import Extractor, extractor
from ablate.metrics.patches import patches
from ablate.metrics.pixel import psnr, sse
from ablate.metrics.rate import Rate, rate
from ablate.metrics.structure import MIN_SIDE_MS_SSIM, ms_ssim, ssim

__all__ = [
    "MIN_SIDE_MS_SSIM",
    "Extractor",
    "Rate",
    "extractor",
    "extractors",
    "fd_lite0_112",
    "fd_lite0_1280",
    "frechet_distance",
    "frechet_distance_moments",
    "metrics",
    "ms_ssim",
    "patches",
    "psnr",
    "rate",
    "sse",
    "ssim",
]
