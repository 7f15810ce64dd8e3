from __future__ import annotations

import math

import numpy as np
import pytest

from ablate.codecs.agustsson.bitstream import encode
from ablate.codecs.container import seal
from ablate.metrics import bpp_actual, bpp_bound, bpp_entropy


def file(symbols: np.ndarray, levels: int, size: tuple[int, int]) -> bytes:
    return seal(encode(symbols, levels=levels, size=size), b"a name")


def test_the_bound_by_hand() -> None:
    symbols = np.zeros((8, 4, 6), np.uint8)
    assert bpp_bound(symbols, 5, 64, 96) == pytest.approx(8 * math.log2(5) / 256, rel=1e-12)


def test_the_entropy_by_hand() -> None:
    symbols = np.array([[[0, 0, 1, 2]], [[1, 1, 1, 1]]], np.uint8)
    # 4 * (1/2 + 2/4 + 2/4) bits, nothing for the second channel, and two tables of three bytes
    assert bpp_entropy(symbols, 3, 10, 20) == pytest.approx((6 + 0 + 48) / 200, rel=1e-12)


def test_evenly_spread_symbols_reach_the_bound() -> None:
    symbols = np.tile(np.arange(4, dtype=np.uint8), (2, 8, 2))
    bound = bpp_bound(symbols, 4, 32, 32)
    assert bpp_entropy(symbols, 4, 32, 32) - 8 * 2 * 4 / 1024 == pytest.approx(bound, rel=1e-12)


def test_the_actual_rate_is_the_length_of_the_file() -> None:
    symbols = np.random.default_rng(0).integers(0, 5, (8, 19, 29), dtype=np.uint8)
    written = file(symbols, 5, (300, 451))
    actual, entropy = bpp_actual(written, 300, 451), bpp_entropy(symbols, 5, 300, 451)
    assert actual == 8 * len(written) / (300 * 451)
    assert entropy < actual < 1.05 * entropy + 8 * 32 / (300 * 451)


def test_a_small_file_may_be_larger_than_the_bound_of_its_symbols():
    symbols = np.arange(20, dtype=np.uint8).reshape(1, 4, 5) % 5
    bound, entropy = (rate(symbols, 5, 16, 20) for rate in (bpp_bound, bpp_entropy))
    assert bound < entropy < bpp_actual(file(symbols, 5, (16, 20)), 16, 20)
