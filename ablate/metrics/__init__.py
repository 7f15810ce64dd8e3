"""Image and rate metrics: pure functions of uint8 images, of feature matrices and of symbols.

Images are uint8 RGB (N, 3, H, W): rounding happens once, before any metric. Importing this package does not import
torch.
"""

from ablate.metrics.catalogue import extractors, metrics
from ablate.metrics.distance import FrechetReference, frechet_distance, frechet_distance_moments, frechet_infinity
from ablate.metrics.features import Extractor, extractor
from ablate.metrics.jackknife import Estimate, of_mean, of_replicates
from ablate.metrics.kernel import kid, kid_paired
from ablate.metrics.patches import patches
from ablate.metrics.perceptual import dists, lpips_alex, lpips_vgg, perceptual_facts, require_weights
from ablate.metrics.pixel import decibels, mse, psnr, sse
from ablate.metrics.protocol import Difference, differences
from ablate.metrics.rate import Rate, rate
from ablate.metrics.structure import (
    MIN_SIDE_MS_SSIM,
    MIN_SIDE_MS_SSIM_3,
    ms_ssim,
    ms_ssim_3,
    similarity_decibels,
    ssim,
)

__all__ = [
    "MIN_SIDE_MS_SSIM",
    "MIN_SIDE_MS_SSIM_3",
    "Difference",
    "Estimate",
    "Extractor",
    "FrechetReference",
    "Rate",
    "decibels",
    "differences",
    "dists",
    "extractor",
    "extractors",
    "frechet_distance",
    "frechet_distance_moments",
    "frechet_infinity",
    "kid",
    "kid_paired",
    "lpips_alex",
    "lpips_vgg",
    "metrics",
    "ms_ssim",
    "ms_ssim_3",
    "mse",
    "of_mean",
    "of_replicates",
    "patches",
    "perceptual_facts",
    "psnr",
    "rate",
    "require_weights",
    "similarity_decibels",
    "sse",
    "ssim",
]
