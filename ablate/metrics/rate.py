"""Rates of an image, in bits per pixel of the original.

Three figures, because papers report different ones: what the symbols' entropy can never exceed, what their frequencies
say, and the length of a real file, whose header and tables may take it beyond both.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ablate.metrics.metric import Needs
from ablate.plugins import metric

if TYPE_CHECKING:
    from torch import Tensor

Symbols = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class CodedImage:
    """An image as it was sent: the bytes of its file, None where no file is known, and its size in pixels.

    `side_bytes` of them are side information that the codec was given beside the image: a label map.

    `symbols`, uint8 (C, h, w) below `levels`, are those that the file holds; None where the codec has none.
    """

    bytes: int | None
    height: int
    width: int
    symbols: Symbols | None = None
    levels: int = 0
    side_bytes: int = 0

    @property
    def pixels(self) -> int:
        """Pixels of the image."""
        return self.height * self.width


@metric(
    label="bpp (bound)",
    unit="bit/pixel",
    direction="lower",
    bounds=(0, math.inf),
    scope="rate",
    place=100,
    needs=Needs(symbols=True),
    formula="C h w log2(L) / (H W)",
    source="Agustsson et al. 2019, ICCV: H(w) <= dim(w) log2(L)",
)
def bpp_bound(coded: CodedImage) -> float:
    """Returns the bits per pixel of symbols that all levels are equally likely for."""
    assert coded.symbols is not None, "the bound is on the entropy of symbols"
    return coded.symbols.size * math.log2(coded.levels) / coded.pixels


@metric(
    label="bpp (entropy)",
    unit="bit/pixel",
    direction="lower",
    bounds=(0, math.inf),
    scope="rate",
    place=90,
    needs=Needs(symbols=True),
    formula="(sum over channels of h w H(frequencies) + 8 C L) / (H W), the last term for the tables of frequencies",
    source="Shannon 1948, with the image's own per-channel frequencies",
)
def bpp_entropy(coded: CodedImage) -> float:
    """Returns the bits per pixel of symbols under their channels' own frequencies, tables included."""
    assert coded.symbols is not None, "frequencies are those of symbols"
    bits = 8.0 * len(coded.symbols) * coded.levels
    for channel in coded.symbols:
        counts = np.bincount(channel.ravel(), minlength=coded.levels)
        counts = counts[counts > 0]
        bits += float((counts * np.log2(channel.size / counts)).sum())
    return bits / coded.pixels


@metric(
    label="bpp (file)",
    unit="bit/pixel",
    direction="lower",
    bounds=(0, math.inf),
    scope="rate",
    place=80,
    formula="8 * bytes of the entropy-coded file, header included, / (H W)",
    source="length of the very file that is decoded again and measured; ablate.codecs.container",
)
def bpp_actual(coded: CodedImage, region: Tensor | None = None) -> float:
    """Returns the bits of the file for each pixel of the image, or of a region of it, bool (H, W)."""
    assert coded.bytes is not None, "the rate of a file is asked for where there is one"
    return 8 * coded.bytes / (coded.pixels if region is None else int(region.sum()))


@metric(
    label="bpp (side)",
    unit="bit/pixel",
    direction="lower",
    bounds=(0, math.inf),
    scope="rate",
    place=85,
    default=False,
    formula="8 * bytes of the fields of side information in the file / (H W)",
    source="what Agustsson et al. 2019 store apart; here a part of the file, and of its bits",
)
def bpp_side(coded: CodedImage) -> float:
    """Returns the bits per pixel of label maps in the file, which are among those of the file; 0 without any."""
    return 8 * coded.side_bytes / coded.pixels
