"""Latents as whole numbers under tables: written as the words of a range coder, and read again."""

from __future__ import annotations

import constriction
import numpy as np
import torch
from torch import Tensor

from ablate.codecs.entropy.factorized import Factorized
from ablate.codecs.entropy.tables import decode, encode, factorized_tables, gaussian_tables


class Writer:
    """Writes latents one after the other; `numbers` are all that were written, int32 (C, h, w), in their order."""

    def __init__(self) -> None:
        self.numbers: list[np.ndarray] = []
        self._coder = constriction.stream.queue.RangeEncoder()

    def channels(self, values: Tensor, model: Factorized) -> Tensor:
        """Writes values (1, C, h, w) rounded, each channel under its own table, and returns them in float64."""
        symbols = _whole(values)
        encode(symbols.ravel(), _channel_of(symbols.shape), factorized_tables(model), self._coder)
        self.numbers.append(symbols)
        return _tensor(symbols)

    def gaussians(self, values: Tensor, index: Tensor) -> Tensor:
        """Writes values (1, C, h, w) rounded, each under the table of its index, and returns them in float64."""
        symbols = _whole(values)
        encode(symbols.ravel(), index.numpy().ravel(), gaussian_tables(), self._coder)
        self.numbers.append(symbols)
        return _tensor(symbols)

    def words(self) -> bytes:
        """Returns what was written."""
        content: bytes = self._coder.get_compressed().astype("<u4").tobytes()
        return content


class Reader:
    """Reads again what a `Writer` wrote, in the same order."""

    def __init__(self, words: bytes) -> None:
        self._numbers: list[np.ndarray] = []
        self._coder = constriction.stream.queue.RangeDecoder(np.frombuffer(words, "<u4").astype(np.uint32))

    def channels(self, shape: tuple[int, ...], model: Factorized) -> Tensor:
        """Returns values (1, *shape) in float64; raises ValueError."""
        symbols = decode(_channel_of(shape), factorized_tables(model), self._coder).reshape(shape)
        self._numbers.append(symbols)
        return _tensor(symbols)

    def gaussians(self, index: Tensor) -> Tensor:
        """Returns values of the shape of their tables' index (1, C, h, w) in float64; raises ValueError."""
        symbols = decode(index.numpy().ravel(), gaussian_tables(), self._coder).reshape(index.shape[1:])
        self._numbers.append(symbols)
        return _tensor(symbols)

    def all_numbers(self) -> list[np.ndarray]:
        """Returns all that was read.

        Raises:
            ValueError: where more is left than padding.
        """
        if not self._coder.maybe_exhausted():
            raise ValueError("the file holds more words than its symbols need")
        return self._numbers


def _whole(values: Tensor) -> np.ndarray:
    """Returns values (1, C, h, w) rounded, int32 (C, h, w).

    Raises:
        ValueError: where one is not finite.
    """
    if not bool(values.isfinite().all()):
        raise ValueError("the latent of this image is not finite; the codec has diverged")
    rounded: np.ndarray = (
        values[0].detach().cpu().double().round().clamp(-(2.0**31), 2.0**31 - 1).numpy().astype(np.int32)
    )
    return rounded


def _tensor(symbols: np.ndarray) -> Tensor:
    return torch.from_numpy(symbols).double()[None]


def _channel_of(shape: tuple[int, ...]) -> np.ndarray:
    return np.repeat(np.arange(shape[0]), int(np.prod(shape[1:])))
