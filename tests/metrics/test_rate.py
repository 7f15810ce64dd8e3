from __future__ import annotations

import math
import sys

import numpy as np
import pytest

from ablate.codecs.agustsson.bitstream import encode
from ablate.metrics import metrics, rate


def test_the_bound_by_hand() -> None:
    symbols = np.zeros((8, 4, 6), np.uint8)
    assert rate(symbols, 5, 64, 96).bpp_bound == pytest.approx(8 * math.log2(5) / 256, rel=1e-12)


def test_the_entropy_by_hand() -> None:
    symbols = np.array([[[0, 0, 1, 2]], [[1, 1, 1, 1]]], np.uint8)
    # 4 * (1/2 + 2/4 + 2/4) bits, nothing for the second channel, and two tables of three bytes
    assert rate(symbols, 3, 10, 20).bpp_entropy == pytest.approx((6 + 0 + 48) / 200, rel=1e-12)


def test_evenly_spread_symbols_reach_the_bound() -> None:
    symbols = np.tile(np.arange(4, dtype=np.uint8), (2, 8, 2))
    result = rate(symbols, 4, 32, 32)
    assert result.bpp_entropy - 8 * 2 * 4 / 1024 == pytest.approx(result.bpp_bound, rel=1e-12)


def test_the_actual_rate_is_the_length_of_the_file() -> None:
    symbols = np.random.default_rng(0).integers(0, 5, (8, 19, 29), dtype=np.uint8)
    result = rate(symbols, 5, 300, 451)
    file = encode(symbols, levels=5, height=300, width=451, model=b"a name")
    assert result.bytes_actual == len(file)
    assert result.bpp_actual == 8 * len(file) / (300 * 451)
    assert result.bpp_entropy < result.bpp_actual < 1.05 * result.bpp_entropy + 8 * 32 / (300 * 451)


def test_used_levels_and_dead_channels_are_counted() -> None:
    symbols = np.zeros((4, 3, 3), np.uint8)
    symbols[1] = 4
    symbols[2, 1, 1] = 2
    result = rate(symbols, 5, 24, 24)
    assert result.levels_used == 3
    assert result.dead_channels == 3


def test_a_coder_that_loses_symbols_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    symbols = np.ones((2, 3, 3), np.uint8)
    other = encode(symbols * 0, levels=3, height=24, width=24, model=b"a name")
    monkeypatch.setattr(sys.modules[rate.__module__], "encode", lambda *_, **__: other)
    with pytest.raises(RuntimeError, match="lost symbols"):
        rate(symbols, 3, 24, 24)


@pytest.mark.parametrize("name", ["bpp_bound", "bpp_entropy", "bpp_actual"])
def test_each_registered_rate_is_the_figure_of_its_name(name: str) -> None:
    symbols = np.random.default_rng(0).integers(0, 5, (3, 7, 9), dtype=np.uint8)
    assert metrics[name].function(symbols, 5, 100, 140) == getattr(rate(symbols, 5, 100, 140), name)


def test_a_small_file_may_be_larger_than_the_bound_of_its_symbols():
    symbols = np.arange(20, dtype=np.uint8).reshape(1, 4, 5) % 5
    found = rate(symbols, 5, 16, 20)
    assert found.bpp_bound < found.bpp_entropy < found.bpp_actual
