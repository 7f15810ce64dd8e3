from __future__ import annotations

import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ablate.coding.bitstream import MAGIC, VERSION, decode, encode

HEADER_BYTES = 19
CHECKSUM_BYTES = 4
REFUSAL = (
    r"^(the file|not a file|levels|\d+ channels|\d+x|decoded symbols|the frequency table|(latent )?(height|width) )"
)


def latent(channels: int = 3, rows: int = 5, columns: int = 7, levels: int = 5, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, levels, (channels, rows, columns), dtype=np.uint8)


@st.composite
def latents(draw: st.DrawFn) -> tuple[np.ndarray, int]:
    levels = draw(st.integers(2, 255))
    shape = draw(st.tuples(st.integers(1, 5), st.integers(1, 9), st.integers(1, 9)))
    used = draw(st.integers(0, levels - 1))
    return draw(arrays(np.uint8, shape, elements=st.integers(0, used))), levels


@given(latents())
@settings(max_examples=80, deadline=None)
def test_decode_returns_exactly_what_was_encoded(case: tuple[np.ndarray, int]) -> None:
    symbols, levels = case
    decoded = decode(encode(symbols, levels=levels, height=300, width=451))
    assert decoded.symbols.dtype == np.uint8
    np.testing.assert_array_equal(decoded.symbols, symbols)
    assert (decoded.levels, decoded.height, decoded.width) == (levels, 300, 451)


def test_equal_symbols_give_equal_bytes_whatever_their_memory_layout() -> None:
    symbols = latent()
    transposed = np.ascontiguousarray(symbols.transpose(2, 1, 0)).transpose(2, 1, 0)
    assert not transposed.flags.c_contiguous
    expected = encode(symbols, levels=5, height=40, width=56)
    assert encode(transposed, levels=5, height=40, width=56) == expected


def test_the_format_is_what_the_module_documents() -> None:
    symbols = np.array([[[0, 0, 0, 1]], [[2, 2, 2, 2]]], np.uint8)
    data = encode(symbols, levels=3, height=513, width=10)
    assert data[:4] == MAGIC
    assert list(data[4:7]) == [VERSION, 3, 2]
    assert np.frombuffer(data, "<u2", 4, 7).tolist() == [513, 10, 1, 4]
    assert int.from_bytes(data[15:19], "little") == zlib.crc32(bytes([0, 0, 0, 1, 2, 2, 2, 2]))
    assert list(data[19:25]) == [255, 85, 0, 0, 0, 255]
    assert int.from_bytes(data[-4:], "little") == zlib.crc32(data[:-4])


def test_a_channel_of_one_level_costs_no_payload() -> None:
    symbols = np.full((4, 64, 64), 2, np.uint8)
    assert len(encode(symbols, levels=5, height=512, width=512)) == HEADER_BYTES + 4 * 5 + CHECKSUM_BYTES
    symbols[1] = latent(1, 64, 64)[0]
    alone = encode(symbols[1:2], levels=5, height=512, width=512)
    assert len(encode(symbols, levels=5, height=512, width=512)) == len(alone) + 3 * 5


def test_the_payload_is_within_one_per_cent_of_the_entropy() -> None:
    probabilities = [0.02, 0.18, 0.6, 0.15, 0.05]
    symbols = np.random.default_rng(1).choice(5, (8, 64, 64), p=probabilities).astype(np.uint8)
    frequencies = np.stack([np.bincount(channel.ravel(), minlength=5) for channel in symbols]) / 4096
    entropy_bytes = -(frequencies * np.log2(frequencies)).sum() * 4096 / 8
    payload = len(encode(symbols, levels=5, height=512, width=512)) - HEADER_BYTES - 8 * 5 - CHECKSUM_BYTES
    assert entropy_bytes <= payload + 4 <= 1.01 * entropy_bytes + 8


def test_a_file_truncated_anywhere_is_refused() -> None:
    data = encode(latent(), levels=5, height=40, width=56)
    for length in range(len(data)):
        with pytest.raises(ValueError, match=r"truncated|not a file"):
            decode(data[:length])


def test_a_file_with_any_bit_flipped_is_refused() -> None:
    data = encode(latent(2, 3, 4, levels=3), levels=3, height=24, width=32)
    for position in range(8 * len(data)):
        altered = bytearray(data)
        altered[position // 8] ^= 1 << position % 8
        with pytest.raises(ValueError, match=REFUSAL):
            decode(bytes(altered))


def test_a_longer_file_is_refused() -> None:
    with pytest.raises(ValueError, match="truncated or altered"):
        decode(encode(latent(), levels=5, height=40, width=56) + b"\0")


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_an_altered_file_with_a_new_checksum_never_gives_wrong_symbols(data: st.DataObject) -> None:
    symbols = latent(2, 4, 5, levels=3)
    file = bytearray(encode(symbols, levels=3, height=32, width=40)[:-CHECKSUM_BYTES])
    for position in data.draw(st.lists(st.integers(4, len(file) - 1), min_size=1, max_size=3)):
        file[position] ^= data.draw(st.integers(1, 255))
    file = file[: data.draw(st.integers(len(file) - 4, len(file)))]
    try:
        decoded = decode(bytes(file) + zlib.crc32(file).to_bytes(4, "little"))
    except ValueError:
        return
    np.testing.assert_array_equal(decoded.symbols.ravel(), symbols.ravel())


@given(st.binary(max_size=200))
@settings(max_examples=100, deadline=None)
def test_arbitrary_bytes_behind_the_magic_are_refused(content: bytes) -> None:
    body = MAGIC + bytes([VERSION]) + content
    with pytest.raises(ValueError, match=REFUSAL):
        decode(body + zlib.crc32(body).to_bytes(4, "little"))


def test_another_version_is_named() -> None:
    data = bytearray(encode(latent(), levels=5, height=40, width=56))
    data[4] = 9
    with pytest.raises(ValueError, match="version 9; this program reads version 1"):
        decode(bytes(data))


@pytest.mark.parametrize(
    ("symbols", "levels", "height", "message"),
    [
        (latent().astype(np.int64), 5, 40, "must be uint8"),
        (latent()[0], 5, 40, "must be uint8"),
        (latent(), 4, 40, "symbol 4 is out of range"),
        (latent(), 1, 40, "levels = 1"),
        (latent(), 5, 70000, "height = 70000"),
        (latent()[:, :0], 5, 40, "latent height = 0"),
    ],
)
def test_what_the_format_cannot_hold_is_refused(symbols: np.ndarray, levels: int, height: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        encode(symbols, levels=levels, height=height, width=56)
