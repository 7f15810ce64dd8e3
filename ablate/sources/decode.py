"""One image file to 8-bit RGB: converted where that keeps what a viewer would show, refused with a reason elsewhere.

    8-bit RGB                       as it is
    black and white, grey, palette  to RGB, exactly
    alpha channel or colour         dropped where every pixel is opaque, else refused: the image depends on what
                                    lies behind it
    16-bit grey                     round(v * 255 / 65535)
    16-bit RGB                      refused: Pillow keeps only the high byte, which is half a level darker on average
    CMYK                            refused: it is a print for one ink and paper, and Pillow's formula knows neither
    other modes (Lab, float, ...)   refused
    orientation tag                 applied
    several frames or pages         refused; but a JPEG's previews and gain maps (MPO) are left aside
    truncated, corrupt, huge        refused: nothing is filled in, and Pillow's limits against bombs hold

A colour profile is not applied: sample values are taken as they stand in the file.
"""

from __future__ import annotations

import io
import warnings

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile, ImageOps, UnidentifiedImageError

from ablate.sources.protocol import ImageError

VERSION = 1
"""Raised when a file is decoded to other pixels than before; a part of the cache's key."""

_FORMATS = ("PNG", "JPEG", "WEBP", "TIFF")
_EXACT = ("1", "L", "P", "RGB")
_TIFF_PHOTOMETRIC, _BLACK_IS_ZERO = 262, 1


def decode(content: bytes) -> NDArray[np.uint8]:
    """Decodes the bytes of a PNG, JPEG, WebP or TIFF file: uint8 RGB (3, H, W).

    Raises:
        ImageError: for an image that is corrupt or has no faithful form in 8-bit RGB.
    """
    assert not ImageFile.LOAD_TRUNCATED_IMAGES, "somebody told Pillow to fill truncated images with grey"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            _verify(content)
            with Image.open(io.BytesIO(content), formats=_FORMATS) as image:
                _require_one_faithful_frame(image)
                pixels = _rgb(ImageOps.exif_transpose(image))
    except (ImageError, MemoryError):
        raise
    except UnidentifiedImageError as error:
        raise ImageError(
            "it cannot be decoded: it is no PNG, JPEG, WebP or TIFF file, or its beginning is lost"
        ) from error
    except Exception as error:  # decoders meet corrupt bytes with nearly any exception
        raise ImageError(f"it cannot be decoded: {error}") from error
    return np.array(pixels.transpose(2, 0, 1), order="C")  # a copy, which may be written to


def _verify(content: bytes) -> None:
    # Checks a PNG's checksums, which loading it does not do; spends the image.
    with Image.open(io.BytesIO(content), formats=_FORMATS) as image:
        image.verify()


def _require_one_faithful_frame(image: Image.Image) -> None:
    frames = getattr(image, "n_frames", 1)
    if frames > 1 and image.format != "MPO":
        raise ImageError(f"it holds {frames} frames or pages; one is expected")
    samples = _sample_format(image)
    if "16" in samples and not image.mode.startswith("I;16"):
        raise ImageError(f"it has 16 bits a sample in {image.mode}, of which Pillow reads 8; convert it to 8 bits")
    if image.mode.startswith("I;16") and (not samples.startswith("I;16") or "transparency" in image.info):
        raise ImageError(f"its grey samples ({samples}) are neither 8 nor plain 16 bits wide; convert it to 8 bits")
    photometric = getattr(image, "tag_v2", {}).get(_TIFF_PHOTOMETRIC, _BLACK_IS_ZERO)
    if image.mode.startswith("I;16") and photometric != _BLACK_IS_ZERO:
        raise ImageError("its 16-bit grey counts from white, which Pillow does not undo; convert it to 8 bits")


def _sample_format(image: Image.Image) -> str:
    """Returns what Pillow calls the raw mode of the file's samples, such as "RGB;16B", where it says so."""
    for tile in getattr(image, "tile", ()):
        arguments = tile.args if isinstance(tile.args, tuple) else (tile.args,)
        if arguments and isinstance(arguments[0], str):
            return arguments[0]
    return ""


def _rgb(image: Image.Image) -> NDArray[np.uint8]:
    """Converts a loaded image to uint8 (H, W, 3)."""
    if image.mode.startswith("I;16"):
        grey = (np.asarray(image).astype(np.uint32) * 255 + 32767) // 65535
        return np.repeat(grey.astype(np.uint8)[:, :, None], 3, axis=2)
    if image.has_transparency_data:
        rgba = np.asarray(image.convert("RGBA"))
        if rgba[:, :, 3].min() < 255:
            raise ImageError("it is transparent in places; flatten it onto a background")
        return rgba[:, :, :3]
    if image.mode not in _EXACT:
        raise ImageError(f"its colour mode {image.mode} has no faithful form in 8-bit RGB; convert it")
    return np.asarray(image.convert("RGB"))
