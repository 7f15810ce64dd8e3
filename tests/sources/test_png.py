from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from ablate.sources.decode import decode
from ablate.sources.protocol import ImageError
from tests.images import png

WIDTH, HEIGHT = 23, 14
ROW = b"\0" + b"\x55" * 3 * WIDTH


def test_a_stream_that_ends_after_too_few_rows_is_refused() -> None:
    short = png(WIDTH, HEIGHT, 8, 2, ROW * 9)
    assert np.asarray(Image.open(io.BytesIO(short)))[-1].max() == 0, "Pillow leaves the rest black"
    with pytest.raises(ImageError, match=r"it cannot be decoded: its data end after 630 of 980 bytes"):
        decode(short)


def test_a_stream_that_ends_within_the_last_row_is_refused() -> None:
    with pytest.raises(ImageError, match="its data end after"):
        decode(png(WIDTH, HEIGHT, 8, 2, (ROW * HEIGHT)[:-1]))
    assert decode(png(WIDTH, HEIGHT, 8, 2, ROW * HEIGHT)).pixels.shape == (3, HEIGHT, WIDTH)


@pytest.mark.parametrize(("bits", "colour_type", "row"), [(1, 0, 3), (2, 0, 6), (4, 0, 12), (8, 4, 46), (8, 6, 92)])
def test_the_bytes_of_a_row_follow_its_samples(bits: int, colour_type: int, row: int) -> None:
    rows = (b"\0" + b"\xff" * row) * HEIGHT
    assert decode(png(WIDTH, HEIGHT, bits, colour_type, rows)).pixels.min() == 255
    with pytest.raises(ImageError, match="its data end after"):
        decode(png(WIDTH, HEIGHT, bits, colour_type, rows[:-1]))


@pytest.mark.parametrize(("width", "height"), [(1, 1), (2, 2), (3, 5), (8, 8), (23, 14)])
def test_interlaced_rows_are_counted_pass_by_pass(width: int, height: int) -> None:
    passes = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
    sizes = [(len(range(x, width, dx)), len(range(y, height, dy))) for x, y, dx, dy in passes]
    rows = b"".join((b"\0" + b"\x77" * 3 * columns) * lines for columns, lines in sizes if columns)
    assert (decode(png(width, height, 8, 2, rows, interlaced=True)).pixels == 0x77).all()
    with pytest.raises(ImageError, match="its data end after"):
        decode(png(width, height, 8, 2, rows[:-1], interlaced=True))


@pytest.mark.parametrize(("gamma", "told"), [(45455, False), (100000, True), (55556, True)])
def test_a_stated_gamma_that_is_not_srgbs_is_a_remark(gamma: int, told: bool) -> None:
    content = png(WIDTH, HEIGHT, 8, 2, ROW * HEIGHT, gamma=gamma)
    decoded = decode(content)
    assert (decoded.pixels == 0x55).all()
    assert decoded.remarks == ((f"it states a gamma of {gamma / 1e5:.4g}, taken as if it were sRGB",) if told else ())
