"""Label maps made of the images themselves, for tests and small grids: regions of like colour, and what colour that is.

Regions are those of Felzenszwalb and Huttenlocher 2004, IJCV, as scikit-image computes them, none below 24 x 24 pixels;
they are the instances. The class of a region is its mean colour in CIE Lab: one of three lightnesses (below 35, to 65,
above), and whether it is grey (chroma below 12) or to which of four hues it is nearest, red, yellow, green or blue. So
there are 15 classes, and nothing in them knows what is in an image.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ablate.sources.label_maps import planes

VERSION = 1
"""Raised when an image gets another map than before."""
CLASSES = 15
_SCALE, _SIGMA, _SMALLEST = 200.0, 0.8, 24 * 24
"""Larger scales make larger regions; sigma is of the blur before."""
_DARK, _LIGHT = 35.0, 65.0
_GREY = 12.0
_HUES = 4


def segment(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Returns the label map of an image, uint8 (3, H, W), as planes: class and region, uint8 (3, H, W)."""
    from skimage.color import rgb2lab
    from skimage.segmentation import felzenszwalb

    rgb = np.ascontiguousarray(image.transpose(1, 2, 0))
    regions = felzenszwalb(rgb, scale=_SCALE, sigma=_SIGMA, min_size=_SMALLEST)
    sums = [np.bincount(regions.ravel(), axis.ravel()) for axis in np.moveaxis(rgb2lab(rgb), -1, 0)]
    return planes(_classes(np.stack(sums) / np.bincount(regions.ravel()))[regions], regions)


def _classes(colours: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Returns the class of each mean colour, (3, n)."""
    lightness, a, b = colours
    hue = np.round(np.arctan2(b, a) / (2 * np.pi) * _HUES).astype(int) % _HUES
    colour = np.where(np.hypot(a, b) < _GREY, 0, 1 + hue)
    return (np.digitize(lightness, [_DARK, _LIGHT]) * (1 + _HUES) + colour).astype(np.uint8)
