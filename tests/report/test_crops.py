from __future__ import annotations

import io

import numpy as np
from PIL import Image

from ablate.report.crops import (
    ERROR_REACH,
    ERROR_STOPS,
    Window,
    crop_side,
    error_map,
    most_detailed,
    page_png,
    thumbnail,
)


def test_the_window_lies_where_the_detail_is() -> None:
    image = np.full((3, 100, 200), 128, np.uint8)
    image[:, 60:90, 150:180] = np.random.default_rng(0).integers(0, 256, (3, 30, 30))
    window = most_detailed(image, 32)
    assert window.top <= 62
    assert window.top + 32 >= 88
    assert window.left <= 152
    assert window.left + 32 >= 178


def test_an_image_smaller_than_the_window_is_shown_whole() -> None:
    assert most_detailed(np.zeros((3, 20, 50), np.uint8), 64) == Window(0, 0, 20, 50)


def test_a_crop_keeps_every_pixel() -> None:
    image = np.random.default_rng(1).integers(0, 256, (3, 40, 30)).astype(np.uint8)
    with Image.open(io.BytesIO(page_png(Window(5, 6, 20, 10).of(image)))) as shown:
        assert np.array_equal(np.asarray(shown).transpose(2, 0, 1), image[:, 5:25, 6:16])


def test_a_thumbnail_is_never_larger_than_the_image() -> None:
    for width, expected in ((300, (80, 40)), (20, (20, 10))):
        with Image.open(io.BytesIO(thumbnail(np.zeros((3, 40, 80), np.uint8), width))) as image:
            assert image.size == expected


def test_more_tiles_make_smaller_crops_within_the_budget() -> None:
    sides = [crop_side(tiles, 5_000_000) for tiles in (3, 30, 60, 99)]
    assert sides == sorted(sides, reverse=True)
    assert sides[0] == 256
    assert all(tiles * side**2 * 2 * 4 / 3 <= 5_000_000 for tiles, side in zip((30, 60, 99), sides[1:], strict=True))


def test_an_error_map_is_dark_where_images_agree_and_brightest_from_its_reach_on() -> None:
    original = np.full((3, 4, 4), 100, np.uint8)
    image = original.copy()
    image[:, 1, 1] += 200 - 100
    image[0, 2, 2] += 3 * ERROR_REACH // 4  # a quarter of the reach, once it is spread over three channels
    shown = error_map(image, original)
    assert tuple(shown[:, 0, 0]) == ERROR_STOPS[0]
    assert tuple(shown[:, 1, 1]) == ERROR_STOPS[-1]
    assert tuple(shown[:, 2, 2]) == ERROR_STOPS[1]


def test_an_error_map_does_not_wrap_where_the_image_is_darker() -> None:
    dark, bright = np.zeros((3, 2, 2), np.uint8), np.full((3, 2, 2), 255, np.uint8)
    assert np.array_equal(error_map(dark, bright), error_map(bright, dark))
