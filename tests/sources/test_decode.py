from __future__ import annotations

import io
import warnings
from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image

from ablate.sources import decode as module
from ablate.sources.protocol import ImageError, UnreadableError
from tests.images import png, saved


def decode(content: bytes) -> np.ndarray:
    return module.decode(content).pixels


def chw(pixels: np.ndarray) -> np.ndarray:
    return pixels.transpose(2, 0, 1)


@pytest.mark.parametrize(("kind", "options"), [("PNG", {}), ("WEBP", {"lossless": True}), ("TIFF", {})])
def test_lossless_rgb_comes_back_as_it_is(rgb: np.ndarray, kind: str, options: dict) -> None:
    decoded = decode(saved(Image.fromarray(rgb), kind, **options))
    assert decoded.dtype == np.uint8
    assert decoded.flags.c_contiguous
    np.testing.assert_array_equal(decoded, chw(rgb))


def test_jpeg_is_decoded_as_pillow_does(rgb: np.ndarray) -> None:
    content = saved(Image.fromarray(rgb), "JPEG", quality=90)
    np.testing.assert_array_equal(decode(content), chw(np.asarray(Image.open(io.BytesIO(content)))))


def test_grey_and_black_and_white_are_replicated(rgb: np.ndarray) -> None:
    grey = rgb[:, :, 0]
    np.testing.assert_array_equal(decode(saved(Image.fromarray(grey))), np.stack([grey] * 3))
    bits = Image.fromarray(grey).convert("1")
    expected = np.asarray(bits).astype(np.uint8) * 255
    np.testing.assert_array_equal(decode(saved(bits)), np.stack([expected] * 3))


def test_a_palette_is_looked_up(rgb: np.ndarray) -> None:
    palette = Image.fromarray(rgb).quantize(16)
    np.testing.assert_array_equal(decode(saved(palette)), chw(np.asarray(palette.convert("RGB"))))


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_an_opaque_alpha_channel_is_dropped(rgb: np.ndarray, mode: str) -> None:
    image = Image.fromarray(rgb).convert(mode)
    np.testing.assert_array_equal(decode(saved(image)), chw(np.asarray(image.convert("RGB"))))


def transparent_images() -> dict[str, bytes]:
    pixels = np.random.default_rng(0).integers(0, 256, (20, 20, 3), dtype=np.uint8)
    pixels[0, 0] = (1, 2, 3)
    image = Image.fromarray(pixels)
    rgba = image.convert("RGBA")
    rgba.putpixel((5, 5), (1, 2, 3, 254))
    palette = image.quantize(16)
    return {
        "alpha channel": saved(rgba),
        "alpha channel, webp": saved(rgba, "WEBP", lossless=True),
        "alpha channel, grey": saved(rgba.convert("LA")),
        "transparent colour": saved(image, transparency=(1, 2, 3)),
        "transparent palette entry": saved(palette, transparency=palette.getpixel((3, 3))),
    }


@pytest.mark.parametrize("kind", transparent_images())
def test_transparency_is_refused(kind: str) -> None:
    with pytest.raises(ImageError, match="it is transparent in places"):
        decode(transparent_images()[kind])


def test_a_transparent_colour_that_does_not_occur_is_no_transparency(rgb: np.ndarray) -> None:
    rgb = np.maximum(rgb, 4)
    np.testing.assert_array_equal(decode(saved(Image.fromarray(rgb), transparency=(1, 2, 3))), chw(rgb))


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bit_grey_is_rescaled_and_rounded(kind: str) -> None:
    values = [0, 128, 129, 257, 385, 386, 32767, 32768, 32896, 65406, 65407, 65535]
    decoded = decode(saved(Image.fromarray(np.array([values], np.uint16)), kind))
    # v * 255 / 65535 = v / 257: halves do not occur, 128 / 257 is the last below a half
    assert decoded.tolist() == [[[0, 0, 1, 1, 1, 2, 127, 128, 128, 254, 255, 255]]] * 3


def test_sixteen_bit_grey_with_a_transparent_level_is_refused() -> None:
    content = saved(Image.fromarray(np.full((4, 4), 300, np.uint16)), transparency=7)
    with pytest.raises(ImageError, match=r"neither 8 nor plain 16 bits wide"):
        decode(content)


def test_sixteen_bit_grey_that_counts_from_white_is_refused() -> None:
    image = Image.fromarray(np.array([[0, 65535]], np.uint16))
    with pytest.raises(ImageError, match="counts from white"):
        decode(saved(image, "TIFF", tiffinfo={262: 0}))


@pytest.mark.parametrize(("colour_type", "channels"), [(2, 3), (6, 4), (4, 2)])
def test_sixteen_bit_colour_is_refused_because_pillow_would_cut_its_low_byte(colour_type: int, channels: int) -> None:
    row = b"\0" + b"\x12\xff" * channels * 20
    with pytest.raises(ImageError, match="16 bits a sample"):
        decode(png(20, 20, 16, colour_type, row * 20))


def test_cmyk_and_float_are_refused(rgb: np.ndarray) -> None:
    with pytest.raises(ImageError, match="colour mode CMYK"):
        decode(saved(Image.fromarray(rgb).convert("CMYK"), "JPEG"))
    with pytest.raises(ImageError, match=r"its samples are floating-point \(32 bits\)"):
        decode(saved(Image.fromarray(rgb[:, :, 0].astype(np.float32)), "TIFF"))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_orientation_tag_is_applied(rgb: np.ndarray, kind: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"lossless": True} if kind == "WEBP" else {}
    upright = decode(saved(Image.fromarray(rgb), kind, **options))
    turns = {
        1: upright,
        2: upright[:, :, ::-1],
        3: upright[:, ::-1, ::-1],
        4: upright[:, ::-1],
        5: upright.swapaxes(1, 2),
        6: upright.swapaxes(1, 2)[:, :, ::-1],
        7: upright.swapaxes(1, 2)[:, ::-1, ::-1],
        8: upright.swapaxes(1, 2)[:, ::-1],
    }
    decoded = decode(saved(Image.fromarray(rgb), kind, exif=exif.tobytes(), **options))
    np.testing.assert_array_equal(decoded, turns[orientation])


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF"])
def test_several_frames_or_pages_are_refused(rgb: np.ndarray, kind: str) -> None:
    first, second = Image.fromarray(rgb), Image.fromarray(255 - rgb)
    with pytest.raises(ImageError, match="it holds 2 frames or pages"):
        decode(saved(first, kind, save_all=True, append_images=[second]))


def test_the_previews_of_a_jpeg_are_left_aside(rgb: np.ndarray) -> None:
    first, preview = Image.fromarray(rgb), Image.fromarray(rgb).resize((12, 10))
    content = saved(first, "MPO", save_all=True, append_images=[preview])
    np.testing.assert_array_equal(decode(content), chw(np.asarray(Image.open(io.BytesIO(content)))))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF"])
def test_a_truncated_file_is_refused(kind: str) -> None:
    gradient = np.linspace(0, 255, 64 * 64 * 3).reshape(64, 64, 3).astype(np.uint8)
    content = saved(Image.fromarray(gradient), kind)
    for share in (0.0, 0.1, 0.3, 0.5, 0.7, 0.9, 0.97):
        with pytest.raises(ImageError, match="it cannot be decoded"):
            decode(content[: int(share * len(content))])


def test_a_png_with_a_wrong_checksum_is_refused(rgb: np.ndarray) -> None:
    content = bytearray(saved(Image.fromarray(rgb)))
    content[len(content) // 2] ^= 1
    with pytest.raises(ImageError, match="it cannot be decoded"):
        decode(bytes(content))


def test_other_formats_are_refused_whatever_they_are_called(rgb: np.ndarray) -> None:
    for content in (b"", b"no image at all", saved(Image.fromarray(rgb), "BMP"), saved(Image.fromarray(rgb), "GIF")):
        with pytest.raises(ImageError, match="it is no PNG"):
            decode(content)


def test_an_image_of_any_size_is_decoded_and_pillows_limit_is_left_as_it_was(
    monkeypatch: pytest.MonkeyPatch, rgb: np.ndarray
) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    np.testing.assert_array_equal(decode(saved(Image.fromarray(rgb))), chw(rgb))
    assert Image.MAX_IMAGE_PIXELS == 100


def test_a_large_image_is_decoded_strip_by_strip_and_is_the_same() -> None:
    rows = np.arange(9500, dtype=np.uint32) % 251
    image = Image.fromarray(np.broadcast_to(rows.astype(np.uint8)[:, None], (9500, 9500)))
    decoded = decode(saved(image, compress_level=1))
    assert decoded.shape == (3, 9500, 9500)
    np.testing.assert_array_equal(decoded[1, :, 17], rows)
    assert (decoded[:, 5000] == rows[5000]).all()


def test_an_image_that_does_not_fit_into_memory_is_refused_with_both_numbers(
    monkeypatch: pytest.MonkeyPatch, rgb: np.ndarray
) -> None:
    monkeypatch.setattr(module.memory, "available", lambda: 40 * 48 * 12)
    decode(saved(Image.fromarray(rgb)))
    monkeypatch.setattr(module.memory, "available", lambda: 40 * 48 * 12 - 1)
    with pytest.raises(
        UnreadableError, match=r"it has 48 x 40 pixels, which take 0\.0 GiB to decode, and 0\.0 are free"
    ):
        decode(saved(Image.fromarray(rgb)))


def test_memory_that_runs_out_all_the_same_is_that_images_failure(
    monkeypatch: pytest.MonkeyPatch, rgb: np.ndarray
) -> None:
    def no_room(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(module, "_rgb", no_room)
    with pytest.raises(UnreadableError, match="it does not fit into memory"):
        decode(saved(Image.fromarray(rgb)))


def test_a_side_that_no_file_of_ours_can_state_is_refused() -> None:
    with pytest.raises(ImageError, match=r"it has 65536 x 1 pixels; a side has 65,535 at most"):
        decode(saved(Image.new("L", (65536, 1))))
    assert decode(saved(Image.new("L", (65535, 1)))).shape == (3, 1, 65535)


def test_what_pillow_warns_of_is_a_remark(rgb: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    strips = module._strips

    def warning(image: Image.Image) -> Iterator[tuple[int, Image.Image]]:
        warnings.warn("a tag of the camera is odd", stacklevel=1)
        return strips(image)

    monkeypatch.setattr(module, "_strips", warning)
    assert module.decode(saved(Image.fromarray(rgb))).remarks == ("Pillow warns: a tag of the camera is odd",)
