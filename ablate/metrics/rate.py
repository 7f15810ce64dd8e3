"""How many bits an image's symbols take, in bits per pixel of the original image.

Three figures, because papers report different ones: what the symbols' entropy can never exceed, what their frequencies
say, and the length of a real file, whose header and tables may take it beyond both.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ablate.metrics.catalogue import metrics

Symbols = NDArray[np.uint8]


@metrics.register(
    direction="lower",
    unit="bit/pixel",
    label="bpp (bound)",
    formula="C h w log2(L) / (H W)",
    source="Agustsson et al. 2019, ICCV: H(w) <= dim(w) log2(L)",
)
def bpp_bound(symbols: Symbols, levels: int, height: int, width: int) -> float:
    """Returns the bits per pixel of symbols (C, h, w) that all levels are equally likely for."""
    return symbols.size * math.log2(levels) / (height * width)


@metrics.register(
    direction="lower",
    unit="bit/pixel",
    label="bpp (entropy)",
    formula="(sum over channels of h w H(frequencies) + 8 C L) / (H W), the last term for the tables of frequencies",
    source="Shannon 1948, with the image's own per-channel frequencies",
)
def bpp_entropy(symbols: Symbols, levels: int, height: int, width: int) -> float:
    """Returns the bits per pixel of symbols (C, h, w) under their channels' own frequencies, tables included."""
    bits = 8.0 * len(symbols) * levels
    for channel in symbols:
        counts = np.bincount(channel.ravel(), minlength=levels)
        counts = counts[counts > 0]
        bits += float((counts * np.log2(channel.size / counts)).sum())
    return bits / (height * width)


@metrics.register(
    direction="lower",
    unit="bit/pixel",
    label="bpp (file)",
    formula="8 * bytes of the entropy-coded file, header included, / (H W)",
    source="ablate.codecs.agustsson.bitstream; the file is decoded again and compared",
)
def bpp_actual(file: bytes, height: int, width: int) -> float:
    """Returns the bits per pixel of the file of an image."""
    return 8 * len(file) / (height * width)
