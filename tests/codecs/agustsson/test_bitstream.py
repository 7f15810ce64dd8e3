from __future__ import annotations

import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ablate.codecs.agustsson import bitstream
from ablate.codecs.container import MAGIC, VERSION, opened, seal

HEADER_BYTES = 19
CHECKSUM_BYTES = 4
MODEL = bytes.fromhex("0123456789ab")
REFUSAL = r"^(the file|not a file|decoded symbols|the frequency table)"


def latent(channels: int = 3, rows: int = 5, columns: int = 7, levels: int = 5, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, levels, (channels, rows, columns), dtype=np.uint8)


def file(symbols: np.ndarray, levels: int = 5, height: int = 40, width: int = 56, model: bytes = MODEL) -> bytes:
    return seal(bitstream.encode(symbols, levels=levels, size=(height, width)), model)


def decode(data: bytes, levels: int, shape: tuple[int, int, int]) -> np.ndarray:
    return bitstream.decode(opened(data).content, levels=levels, shape=shape)


def read_header(data: bytes) -> tuple[bytes, int, int]:
    model, content, _ = opened(data)
    return model, *bitstream.read_size(content)


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
    data = file(symbols, levels, height=300, width=451)
    decoded = decode(data, levels=levels, shape=symbols.shape)
    assert decoded.dtype == np.uint8
    np.testing.assert_array_equal(decoded, symbols)
    assert read_header(data) == (MODEL, 300, 451)


def test_equal_symbols_give_equal_bytes_whatever_their_memory_layout() -> None:
    symbols = latent()
    transposed = np.ascontiguousarray(symbols.transpose(2, 1, 0)).transpose(2, 1, 0)
    assert not transposed.flags.c_contiguous
    assert file(transposed) == file(symbols)


def test_the_format_is_what_the_module_documents() -> None:
    symbols = np.array([[[0, 0, 0, 1]], [[2, 2, 2, 2]]], np.uint8)
    data = file(symbols, levels=3, height=513, width=10)
    assert data[:4] == MAGIC
    assert data[4] == VERSION
    assert data[5:11] == MODEL
    assert np.frombuffer(data, "<u2", 2, 11).tolist() == [513, 10]
    assert int.from_bytes(data[15:19], "little") == zlib.crc32(bytes([0, 0, 0, 1, 2, 2, 2, 2]))
    assert list(data[19:25]) == [255, 85, 0, 0, 0, 255]
    assert int.from_bytes(data[-4:], "little") == zlib.crc32(data[:-4])


def test_a_file_of_today_can_be_read_for_ever() -> None:
    rows = ["2212322413", "2202123221"], ["4444044444", "4440444443"]
    symbols = np.array([[list(map(int, row)) for row in channel] for channel in rows], np.uint8)
    written = bytes.fromhex("41424c54020123456789ab1000500026cee012175dff46171e00000fff944e8f7274bb27e41e9d3003")
    np.testing.assert_array_equal(decode(written, levels=5, shape=symbols.shape), symbols)
    assert file(symbols, height=16, width=80) == written


def test_another_model_makes_a_file_of_the_same_length() -> None:
    other = file(latent(), model=bytes(6))
    assert other != file(latent())
    assert len(other) == len(file(latent()))


def test_a_channel_of_one_level_costs_no_payload() -> None:
    symbols = np.full((4, 64, 64), 2, np.uint8)
    assert len(file(symbols, height=512, width=512)) == HEADER_BYTES + 4 * 5 + CHECKSUM_BYTES
    symbols[1] = latent(1, 64, 64)[0]
    alone = file(symbols[1:2], height=512, width=512)
    assert len(file(symbols, height=512, width=512)) == len(alone) + 3 * 5


def test_the_payload_is_within_one_per_cent_of_the_entropy() -> None:
    probabilities = [0.02, 0.18, 0.6, 0.15, 0.05]
    symbols = np.random.default_rng(1).choice(5, (8, 64, 64), p=probabilities).astype(np.uint8)
    frequencies = np.stack([np.bincount(channel.ravel(), minlength=5) for channel in symbols]) / 4096
    entropy_bytes = -(frequencies * np.log2(frequencies)).sum() * 4096 / 8
    payload = len(file(symbols, height=512, width=512)) - HEADER_BYTES - 8 * 5 - CHECKSUM_BYTES
    assert entropy_bytes <= payload + 4 <= 1.01 * entropy_bytes + 8


def test_a_file_truncated_anywhere_is_refused() -> None:
    data = file(latent())
    for length in range(len(data)):
        for read in (read_header, lambda part: decode(part, levels=5, shape=(3, 5, 7))):
            with pytest.raises(ValueError, match=r"truncated|not a file"):
                read(data[:length])


def test_a_file_with_any_bit_flipped_is_refused() -> None:
    data = file(latent(2, 3, 4, levels=3), levels=3)
    for position in range(8 * len(data)):
        altered = bytearray(data)
        altered[position // 8] ^= 1 << position % 8
        for read in (read_header, lambda part: decode(part, levels=3, shape=(2, 3, 4))):
            with pytest.raises(ValueError, match=REFUSAL):
                read(bytes(altered))


def test_a_longer_file_is_refused() -> None:
    with pytest.raises(ValueError, match="truncated or altered"):
        decode(file(latent()) + b"\0", levels=5, shape=(3, 5, 7))


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_an_altered_file_with_a_new_checksum_never_gives_wrong_symbols(data: st.DataObject) -> None:
    symbols = latent(2, 4, 5, levels=3)
    altered = bytearray(file(symbols, levels=3)[:-CHECKSUM_BYTES])
    for position in data.draw(st.lists(st.integers(4, len(altered) - 1), min_size=1, max_size=3)):
        altered[position] ^= data.draw(st.integers(1, 255))
    altered = altered[: data.draw(st.integers(len(altered) - 4, len(altered)))]
    try:
        decoded = decode(resealed(altered), levels=3, shape=symbols.shape)
    except ValueError:
        return
    np.testing.assert_array_equal(decoded, symbols)


def test_a_coder_that_loses_symbols_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    symbols, coded = latent(), bitstream._encode_channels
    monkeypatch.setattr(bitstream, "_encode_channels", lambda channels, tables: coded(channels[:, ::-1], tables))
    with pytest.raises(ValueError, match="decoded symbols have the checksum"):
        decode(file(symbols), levels=5, shape=symbols.shape)


def resealed(content: bytes | bytearray) -> bytes:
    return bytes(content) + zlib.crc32(content).to_bytes(4, "little")


@given(st.binary(max_size=200))
@settings(max_examples=100, deadline=None)
def test_arbitrary_bytes_behind_the_magic_are_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match=REFUSAL):
        decode(resealed(MAGIC + bytes([VERSION]) + content), levels=5, shape=(3, 5, 7))


def test_symbols_of_another_shape_or_levels_than_the_model_has_are_refused() -> None:
    symbols = latent()
    for levels, shape in ((5, (3, 5, 8)), (5, (3, 4, 7)), (5, (2, 5, 7)), (4, (3, 5, 7)), (6, (3, 5, 7))):
        with pytest.raises(ValueError, match=REFUSAL):
            decode(file(symbols), levels=levels, shape=shape)


@pytest.mark.parametrize("shape", [(8, 1 << 15, 1 << 15), (0, 5, 7)])
def test_a_header_that_means_absurdly_many_symbols_is_refused_before_they_are_allocated(shape) -> None:
    with pytest.raises(ValueError, match="the format holds 1 to"):
        decode(file(latent()), levels=5, shape=shape)


@pytest.mark.parametrize(("side", "size"), [(11, "0x56"), (13, "40x0")])
def test_an_image_without_pixels_is_refused(side: int, size: str) -> None:
    content = bytearray(file(latent())[:-CHECKSUM_BYTES])
    content[side : side + 2] = bytes(2)
    with pytest.raises(ValueError, match=f"its image is {size} pixels"):
        read_header(resealed(content))


def test_a_channel_whose_table_is_empty_is_named() -> None:
    content = bytearray(file(latent())[:-CHECKSUM_BYTES])
    content[HEADER_BYTES + 5 : HEADER_BYTES + 10] = bytes(5)
    with pytest.raises(ValueError, match="the frequency table of channel 1 is empty"):
        decode(resealed(content), levels=5, shape=(3, 5, 7))


@pytest.mark.parametrize("size", [(1, 0xFFFF), (0xFFFF, 1)])
def test_the_smallest_and_the_largest_side_are_held(size: tuple[int, int]) -> None:
    assert read_header(file(latent(), height=size[0], width=size[1])) == (MODEL, *size)


def test_another_version_is_named() -> None:
    data = bytearray(file(latent()))
    data[4] = 9
    with pytest.raises(ValueError, match="version 9; this program reads versions 2 and 3"):
        read_header(bytes(data))


@pytest.mark.parametrize(
    ("symbols", "levels", "height", "message"),
    [
        (latent().astype(np.int64), 5, 40, "must be uint8"),
        (latent()[0], 5, 40, "must be uint8"),
        (latent(), 4, 40, "symbol 4 is out of range"),
        (latent(), 1, 40, "levels = 1; the format holds"),
        (latent(), 256, 40, "levels = 256; the format holds"),
        (latent(), 5, 0x10000, "height = 65536; the format holds"),
        (latent(), 5, 0, "height = 0; the format holds"),
        (latent()[:, :0], 5, 40, "shape 3x0x7"),
    ],
)
def test_what_the_format_cannot_hold_is_refused(symbols: np.ndarray, levels: int, height: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        file(symbols, levels, height)
