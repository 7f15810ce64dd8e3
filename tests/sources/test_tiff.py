"""TIFFs by the tags of their samples; those that Pillow does not write come from tifffile."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from ablate.sources.decode import decode
from ablate.sources.protocol import ImageError
from tests.images import saved


def tiff(pixels: np.ndarray, **options: Any) -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, pixels, **options)
    return buffer.getvalue()


def ramp(dtype: type, *shape: int) -> np.ndarray:
    return (np.arange(np.prod(shape)) * 997 % 65521).astype(dtype).reshape(shape)


@pytest.mark.parametrize("planes", ["contig", "separate"])
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_sixteen_bit_rgb_is_refused_however_it_is_laid_out(planes: str, compression: str | None) -> None:
    shape = (20, 30, 3) if planes == "contig" else (3, 20, 30)
    content = tiff(ramp(np.uint16, *shape), photometric="rgb", planarconfig=planes, compression=compression)
    with pytest.raises(ImageError, match=r"16 \+ 16 \+ 16"):
        decode(content)


def test_planar_8_bit_rgb_is_read_as_it_is() -> None:
    planes = ramp(np.uint8, 3, 20, 30)
    np.testing.assert_array_equal(decode(tiff(planes, photometric="rgb", planarconfig="separate")).pixels, planes)


@pytest.mark.parametrize(
    ("dtype", "named"),
    [(np.float32, "floating-point (32 bits)"), (np.int8, "signed (8 bits)"), (np.int16, "signed (16 bits)")],
)
def test_samples_that_are_not_unsigned_are_refused_as_what_they_are(dtype: type, named: str) -> None:
    with pytest.raises(ImageError) as caught:
        decode(tiff(ramp(dtype, 20, 30), photometric="minisblack"))
    assert f"its samples are {named}" in str(caught.value)


@pytest.mark.parametrize(
    ("dtype", "named"),
    [
        (np.float32, "its samples are floating-point (32 bits)"),
        (np.int16, "its samples are signed (16 bits)"),
        (np.uint32, "its samples have 32 + 32 + 32 bits"),
    ],
)
def test_colours_that_pillow_does_not_open_are_refused_as_what_they_are(dtype: type, named: str) -> None:
    content = tiff(ramp(dtype, 20, 30, 3), photometric="rgb")
    with pytest.raises(ImageError) as caught:
        decode(content)
    assert named in str(caught.value)
    for lost in (content[:6], content[:9], content[:8] + bytes(40)):
        with pytest.raises(ImageError, match="or its beginning is lost"):
            decode(lost)


def test_32_bit_grey_is_refused() -> None:
    with pytest.raises(ImageError, match=r"32"):
        decode(tiff(ramp(np.uint32, 20, 30), photometric="minisblack"))


def test_16_bit_grey_is_scaled_exactly() -> None:
    grey = ramp(np.uint16, 20, 30)
    expected = np.round(grey / 257).astype(np.uint8)
    np.testing.assert_array_equal(decode(tiff(grey, photometric="minisblack")).pixels, np.stack([expected] * 3))


def striped(rows: int = 40) -> bytes:
    return tiff(ramp(np.uint8, rows, 30, 3), photometric="rgb", rowsperstrip=8)


def tag(content: bytes, code: int) -> int:
    """Returns where the value of a tag lies, of which there are several."""
    with tifffile.TiffFile(io.BytesIO(content)) as opened:
        return int(opened.pages[0].tags[code].valueoffset)


def test_a_strip_with_too_few_bytes_is_refused() -> None:
    content = bytearray(striped())
    assert decode(bytes(content)).pixels.shape == (3, 40, 30)
    at = tag(bytes(content), 279)
    size = int.from_bytes(content[at : at + 2], "little")
    assert size == 8 * 30 * 3
    content[at : at + 2] = (size - 90).to_bytes(2, "little")
    with pytest.raises(ImageError, match="4 of its 5 strips or tiles are whole"):
        decode(bytes(content))


@pytest.mark.parametrize("tile", [None, (16, 16)])
def test_a_deflated_part_whose_checksum_is_wrong_is_refused(rgb: np.ndarray, tile: tuple[int, int] | None) -> None:
    options = {"tile": tile} if tile else {"rowsperstrip": 8}
    content = bytearray(tiff(rgb, photometric="rgb", compression="zlib", **options))
    np.testing.assert_array_equal(decode(bytes(content)).pixels, rgb.transpose(2, 0, 1))
    with tifffile.TiffFile(io.BytesIO(content)) as opened:
        last = opened.pages[0].dataoffsets[-1] + opened.pages[0].databytecounts[-1]
    content[last - 1] ^= 1
    with pytest.raises(ImageError, match="strips or tiles have the right checksum"):
        decode(bytes(content))


def test_strips_for_fewer_rows_than_the_image_has_are_refused() -> None:
    content = bytearray(striped())
    at = tag(bytes(content), 257)
    content[at : at + 2] = (60).to_bytes(2, "little")
    with pytest.raises(ImageError, match="5 of its 8 strips or tiles are whole"):
        decode(bytes(content))


@pytest.mark.parametrize("compression", ["raw", "tiff_lzw", "tiff_deflate", "packbits"])
def test_every_compression_passes(rgb: np.ndarray, compression: str) -> None:
    content = saved(Image.fromarray(rgb), "TIFF", compression=compression)
    np.testing.assert_array_equal(decode(content).pixels, rgb.transpose(2, 0, 1))


def test_tiles_pass(rgb: np.ndarray) -> None:
    content = tiff(rgb, photometric="rgb", tile=(16, 16))
    np.testing.assert_array_equal(decode(content).pixels, rgb.transpose(2, 0, 1))
