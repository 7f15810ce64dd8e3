"""JPEGs that Pillow decodes without a word although data are missing, and whole ones that must pass."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ablate.sources.decode import decode
from ablate.sources.jpeg import END
from ablate.sources.protocol import ImageError
from tests.images import saved

KINDS: dict[str, dict[str, Any]] = {
    "baseline": {},
    "no subsampling": {"subsampling": 0},
    "coarse": {"quality": 5, "optimize": True},
    "fine": {"quality": 100},
    "progressive": {"progressive": True},
    "restarts": {"restart_marker_blocks": 5},
    "progressive with restarts": {"progressive": True, "restart_marker_rows": 1},
}


def smooth(height: int = 83, width: int = 101) -> Image.Image:
    y, x = np.mgrid[0:height, 0:width] / 20
    waves = np.stack([127 + 120 * np.sin(x + band) * np.cos(y * (band + 1)) for band in range(3)], -1)
    return Image.fromarray(waves.astype(np.uint8))


def jpeg(kind: str, mode: str = "RGB") -> bytes:
    return saved(smooth().convert(mode), "JPEG", **KINDS[kind])


@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_whole_image_passes_without_a_remark(kind: str, mode: str) -> None:
    content = jpeg(kind, mode)
    decoded = decode(content)
    np.testing.assert_array_equal(
        decoded.pixels, np.asarray(Image.open(io.BytesIO(content)).convert("RGB")).transpose(2, 0, 1)
    )
    assert decoded.remarks == ()


@pytest.mark.parametrize("size", [(1, 1), (8, 8), (16, 17), (7, 40), (300, 9)])
@pytest.mark.parametrize("kind", KINDS)
def test_a_whole_image_passes_whatever_its_size(kind: str, size: tuple[int, int]) -> None:
    decode(saved(smooth(*size), "JPEG", **KINDS[kind]))


@pytest.mark.parametrize("grey", [0, 128, 255])
@pytest.mark.parametrize("kind", KINDS)
def test_a_whole_image_of_one_colour_passes(kind: str, grey: int) -> None:
    decode(saved(Image.new("RGB", (96, 96), (grey,) * 3), "JPEG", **{**KINDS[kind], "optimize": True}))


@pytest.mark.parametrize("share", [0.4, 0.5, 0.7, 0.9, 0.98])
@pytest.mark.parametrize("kind", KINDS)
def test_an_image_cut_short_with_an_end_marker_put_behind_is_refused(kind: str, share: float) -> None:
    content = jpeg(kind)
    begin = content.index(b"\xff\xda") + 14
    cut = content[: begin + int(share * (len(content) - begin))] + END
    if kind == "baseline":
        assert Image.open(io.BytesIO(cut)).convert("RGB").size == smooth().size, "Pillow says nothing"
    with pytest.raises(ImageError, match="it cannot be decoded: "):
        decode(cut)


def test_an_image_cut_between_two_scans_is_refused() -> None:
    content = jpeg("progressive")
    last = content.rindex(b"\xff\xda")
    with pytest.raises(ImageError, match="scans of its JPEG are missing"):
        decode(content[:last] + END)


def test_an_image_without_its_last_restart_intervals_is_refused() -> None:
    content = jpeg("restarts")
    markers = list(restarts(content))
    with pytest.raises(ImageError, match=f"a scan of its JPEG has {len(markers)} of {len(markers) + 1} intervals"):
        decode(content[: markers[-1]] + END)


def test_data_missing_from_the_middle_of_an_interval_are_refused() -> None:
    content = jpeg("restarts")
    _, second, third, *_ = restarts(content)
    middle = (second + 2 + third) // 2
    with pytest.raises(ImageError, match="data of its JPEG are missing"):
        decode(content[:middle] + content[third:])


def restarts(content: bytes) -> Iterator[int]:
    begin = content.index(b"\xff\xda")
    return (at for at in range(begin, len(content)) if content[at] == 0xFF and 0xD0 <= content[at + 1] <= 0xD7)


def test_data_left_over_are_refused_and_padding_is_not() -> None:
    content = jpeg("baseline")
    decode(content[:-2] + bytes(30) + END)
    with pytest.raises(ImageError, match="its JPEG is corrupt, since data are left over"):
        decode(content[:-2] + b"\x17\x2a" * 15 + END)


@pytest.mark.parametrize("kind", KINDS)
def test_a_whole_image_without_its_end_marker_is_accepted_with_a_remark(kind: str) -> None:
    content = jpeg(kind)
    for shorter in (content[:-1], content[:-2]):
        decoded = decode(shorter)
        np.testing.assert_array_equal(decoded.pixels, decode(content).pixels)
        assert decoded.remarks == ("the end marker is missing; the image is whole",)


def test_what_follows_the_end_marker_is_left_aside() -> None:
    content = jpeg("baseline")
    np.testing.assert_array_equal(decode(content + b"motion\xff\xd8\xff\xda").pixels, decode(content).pixels)
