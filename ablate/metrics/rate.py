"""How many bits an image's symbols take, in bits per pixel of the original image.

Three figures, because papers report different ones: what the symbols' entropy can never exceed, what their frequencies
say, and the length of a real file, whose header and tables may take it beyond both.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ablate.codecs.agustsson.bitstream import MODEL_BYTES, decode, encode
from ablate.metrics.catalogue import metrics

Symbols = NDArray[np.uint8]


@dataclass(frozen=True)
class Rate:
    """The rate of one image, in bits per pixel, the bytes of its file, and how much of the code book it uses.

    `levels_used` counts levels that occur anywhere, `dead_channels` those channels that hold a single level.
    """

    bpp_bound: float
    bpp_entropy: float
    bpp_actual: float
    bytes_actual: int
    levels_used: int
    dead_channels: int


def rate(symbols: Symbols, levels: int, height: int, width: int) -> Rate:
    """Measures symbols, uint8 (C, h, w) below `levels`, of an original image of `height` x `width` pixels.

    The file is decoded again and compared.

    Raises:
        ValueError: for symbols or sizes that a file cannot hold.
    """
    file = _verified_file(symbols, levels, height, width)
    return Rate(
        bpp_bound=bpp_bound(symbols, levels, height, width),
        bpp_entropy=bpp_entropy(symbols, levels, height, width),
        bpp_actual=8 * len(file) / (height * width),
        bytes_actual=len(file),
        levels_used=len(np.unique(symbols)),
        dead_channels=sum(bool((channel == channel.flat[0]).all()) for channel in symbols),
    )


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
def bpp_actual(symbols: Symbols, levels: int, height: int, width: int) -> float:
    """Returns the bits per pixel of the file that holds symbols (C, h, w)."""
    return 8 * len(_verified_file(symbols, levels, height, width)) / (height * width)


def _verified_file(symbols: Symbols, levels: int, height: int, width: int) -> bytes:
    # The name of a model takes as many bytes whichever it is.
    file = encode(symbols, levels=levels, height=height, width=width, model=bytes(MODEL_BYTES))
    if not np.array_equal(decode(file, levels=levels, shape=symbols.shape), symbols):
        raise RuntimeError(f"the entropy coder lost symbols of shape {symbols.shape}: its file decodes to others")
    return file
