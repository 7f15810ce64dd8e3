from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from ablate.codecs.agustsson.bitstream import encode
from ablate.codecs.container import seal
from ablate.metrics import CodedImage, metrics


def coded(symbols: np.ndarray, levels: int, height: int, width: int) -> CodedImage:
    return CodedImage(len(file(symbols, levels, (height, width))), height, width, symbols, levels)


def file(symbols: np.ndarray, levels: int, size: tuple[int, int]) -> bytes:
    return seal(encode(symbols, levels=levels, size=size), b"a name")


def figure(name: str, *given: Any) -> float:
    return metrics[name].function(coded(*given))


def test_the_bound_by_hand() -> None:
    symbols = np.zeros((8, 4, 6), np.uint8)
    assert figure("bpp_bound", symbols, 5, 64, 96) == pytest.approx(8 * math.log2(5) / 256, rel=1e-12)


def test_the_entropy_by_hand() -> None:
    symbols = np.array([[[0, 0, 1, 2]], [[1, 1, 1, 1]]], np.uint8)
    # 4 * (1/2 + 2/4 + 2/4) bits, nothing for the second channel, and two tables of three bytes
    assert figure("bpp_entropy", symbols, 3, 10, 20) == pytest.approx((6 + 0 + 48) / 200, rel=1e-12)


def test_evenly_spread_symbols_reach_the_bound() -> None:
    image = np.tile(np.arange(4, dtype=np.uint8), (2, 8, 2)), 4, 32, 32
    assert figure("bpp_entropy", *image) - 8 * 2 * 4 / 1024 == pytest.approx(figure("bpp_bound", *image), rel=1e-12)


def test_the_actual_rate_is_the_length_of_the_file() -> None:
    symbols = np.random.default_rng(0).integers(0, 5, (8, 19, 29), dtype=np.uint8)
    entropy, actual = (figure(name, symbols, 5, 300, 451) for name in ("bpp_entropy", "bpp_actual"))
    assert actual == 8 * len(file(symbols, 5, (300, 451))) / (300 * 451)
    assert entropy < actual < 1.05 * entropy + 8 * 32 / (300 * 451)


def test_a_file_without_symbols_has_an_actual_rate_alone() -> None:
    assert metrics["bpp_actual"].function(CodedImage(100, 10, 20)) == 4
    assert [name for name in metrics if metrics[name].needs.symbols] == ["bpp_bound", "bpp_entropy"]


def test_a_small_file_may_be_larger_than_the_bound_of_its_symbols() -> None:
    image = np.arange(20, dtype=np.uint8).reshape(1, 4, 5) % 5, 5, 16, 20
    assert figure("bpp_bound", *image) < figure("bpp_entropy", *image) < figure("bpp_actual", *image)
