from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from ablate.codecs.standard import STANDARD, StandardCodec

each_codec = pytest.mark.parametrize("codec", STANDARD, ids=lambda codec: codec.label)


def waves(height: int = 60, width: int = 91) -> np.ndarray:
    y, x = np.mgrid[:height, :width] / 9
    return np.stack([127 + 90 * np.sin(x + c) * np.cos(y * (c + 1)) for c in range(3)]).astype(np.uint8)


@each_codec
def test_better_quality_takes_more_bytes_and_comes_nearer(codec: StandardCodec) -> None:
    image = waves()
    qualities = (codec.lowest, 40, codec.highest)
    files = [codec.encode(image, quality) for quality in qualities]
    decoded = [codec.decode(file) for file in files]
    assert all(each.shape == image.shape and each.dtype == np.uint8 for each in decoded)
    assert [len(file) for file in files] == sorted({len(file) for file in files})
    errors = [np.square(each.astype(float) - image).mean() for each in decoded]
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 30


@each_codec
def test_the_settings_make_files_smaller(codec: StandardCodec) -> None:
    plain = dataclasses.replace(codec, options={})
    sizes = {name: [len(c.encode(waves(), q)) for q in (5, 30, 80)] for name, c in (("set", codec), ("plain", plain))}
    assert sum(sizes["set"]) < sum(sizes["plain"])


def test_an_image_beyond_the_formats_sides_is_refused() -> None:
    webp = next(codec for codec in STANDARD if codec.label == "WebP")
    with pytest.raises(ValueError, match="WebP cannot hold 1x16384 pixels"):
        webp.encode(np.zeros((3, 1, 16384), np.uint8), 50)


@each_codec
def test_the_version_names_pillow_and_the_library(codec: StandardCodec) -> None:
    assert codec.version.startswith("Pillow ")
    assert "None" not in codec.version
