"""Integer frequency tables, and the range-coded words of symbols under them.

A table holds the frequencies of the symbols from `first` on, and one more for all that lie outside; such a number
follows as an exponential Golomb code of even bits. Frequencies are whole numbers that add up to 65,536, so that a file
does not depend on how floats are summed where it is read.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import constriction
import numpy as np
import torch
from numpy.typing import NDArray

from ablate.codecs.entropy.factorized import Factorized
from ablate.codecs.entropy.gaussian import scale_table

TOTAL = 1 << 16
TAIL = 2.0**-12
"""Probability that a table leaves to what lies outside of it, on either side."""
LARGEST = 2048
"""Symbols of a table on either side of zero, at the most."""
LONGEST = 1 << 24
"""A number outside of its table is smaller than this, on either side of zero."""

Symbols = NDArray[np.int32]


@dataclass(frozen=True)
class Table:
    """Frequencies of the symbols from `first` on; the last one is that of all others."""

    first: int
    frequencies: tuple[int, ...]

    @property
    def escape(self) -> int:
        """Index that stands for symbols outside of the table."""
        return len(self.frequencies) - 1

    @functools.cached_property
    def model(self) -> Any:
        """The frequencies as constriction takes them; `perfect` is part of the format."""
        return constriction.stream.model.Categorical(np.array(self.frequencies, np.float64), perfect=False)


@functools.cache
def gaussian_tables() -> tuple[Table, ...]:
    """Returns a table for each scale that files tell apart, of integers around zero."""
    from scipy.special import ndtr

    tables = []
    for scale in scale_table():
        reach = min(LARGEST, math.ceil(scale * 4))
        edges = (np.arange(-reach, reach + 2) - 0.5) / scale
        tables.append(Table(-reach, _whole(np.diff(ndtr(edges)))))
    return tuple(tables)


def factorized_tables(model: Factorized) -> tuple[Table, ...]:
    """Returns a table for each channel of a factorized model."""
    places = torch.arange(-LARGEST, LARGEST + 2) - 0.5
    tables = []
    for row in model.cumulative(places).numpy():
        # From the last edge with less than the tail below it to the first with less than that above it.
        first = max(int(np.searchsorted(row, TAIL, side="right")) - 1, 0)
        last = min(int(np.searchsorted(row, 1 - TAIL, side="left")), len(row) - 1)
        last = max(last, first + 1)
        tables.append(Table(first - LARGEST, _whole(np.diff(row[first : last + 1]))))
    return tuple(tables)


def _whole(probabilities: NDArray[np.float64]) -> tuple[int, ...]:
    """Returns frequencies of at least 1 with that of the escape behind them, which together are `TOTAL`."""
    parts = np.append(probabilities, max(1.0 - probabilities.sum(), 0.0))
    found = np.maximum(np.floor(parts * (TOTAL - len(parts))).astype(np.int64), 0) + 1
    found[int(found.argmax())] += TOTAL - int(found.sum())
    return tuple(int(each) for each in found)


def encode(symbols: Symbols, which: NDArray[np.intp], tables: Sequence[Table], coder: Any) -> None:
    """Writes symbols (n,) to a range encoder, each under `tables[which]`; those of one table follow each other.

    Raises:
        ValueError: for a symbol that no code reaches.
    """
    if len(symbols) and int(np.abs(symbols).max()) >= LONGEST:
        raise ValueError(f"the latent {int(np.abs(symbols).max())} is beyond what a file can hold, {LONGEST - 1}")
    for index in np.unique(which):
        table, mine = tables[index], symbols[which == index]
        places = mine - table.first
        outside = (places < 0) | (places >= table.escape)
        coder.encode(np.where(outside, table.escape, places).astype(np.int32), table.model)
        for symbol in mine[outside]:
            _write(int(symbol), coder)


def decode(which: NDArray[np.intp], tables: Sequence[Table], coder: Any) -> Symbols:
    """Reads symbols (n,) that `encode` wrote.

    Raises:
        ValueError: for words that no encoder writes.
    """
    symbols = np.empty(len(which), np.int32)
    try:
        for index in np.unique(which):
            table, mine = tables[index], which == index
            places = coder.decode(table.model, int(mine.sum()))
            found = places + table.first
            for place in np.flatnonzero(places == table.escape):
                found[place] = _read(coder)
            symbols[mine] = found
    except AssertionError as error:  # what the range decoder raises on words that no encoder writes
        raise ValueError("the file's symbols cannot be decoded: no encoder writes these words") from error
    return symbols


def _bit() -> Any:
    return constriction.stream.model.Uniform(2)


def _write(symbol: int, coder: Any) -> None:
    """Writes a number outside of its table: its sign, the length of its size in unary, its bits."""
    size = abs(symbol) + 1
    length = size.bit_length()
    bits = [int(symbol < 0), *([1] * (length - 1)), 0, *(size >> place & 1 for place in reversed(range(length - 1)))]
    coder.encode(np.array(bits, np.int32), _bit())


def _read(coder: Any) -> int:
    def bit() -> int:
        return int(coder.decode(_bit()))

    negative, length = bit(), 1
    while bit():
        length += 1
        if length > LONGEST.bit_length() + 1:
            raise ValueError("the file's symbols cannot be decoded: a number is longer than any encoder writes")
    size = 1
    for _ in range(length - 1):
        size = size << 1 | bit()
    return 1 - size if negative else size - 1
