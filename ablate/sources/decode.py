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
truncated, corrupt              refused: nothing is filled in; but a whole JPEG may lack its end marker
colour profile                  sRGB and none: samples are taken as they stand. Another is told, and either kept
                                so or converted to sRGB
size                            any that fits into memory
"""

from __future__ import annotations

import contextlib
import io
import threading
import warnings
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile, ImageOps, UnidentifiedImageError

from ablate import memory
from ablate.sources import jpeg, png, tiff
from ablate.sources.profile import converted, foreign_profile
from ablate.sources.protocol import ColourProfiles, Decoded, ImageError, UnreadableError

VERSION = 1
"""Raised when a file is decoded to other pixels than before; a part of the cache's key and of protocols."""
RULES = 4
"""Raised when other files are refused, or more is told of them; a part of the cache's key alone."""

_FORMATS = ("PNG", "JPEG", "WEBP", "TIFF")
_EXACT = ("1", "L", "P", "RGB")
LONGEST_SIDE = 65_535
BYTES_PER_PIXEL = 12
"""Pillow's own image takes 4, a copy that is turned, made opaque or compared as many, and the result 3."""
_GAMMA_OF_SRGB, _GAMMA_TOLERANCE = 2.2, 0.05
_ROWS = 256
"""Rows that are converted at once, so that no second image of full size is needed."""
_GIB = 1 << 30
_PILLOWS_LIMIT = threading.Lock()


def decode(content: bytes, profiles: ColourProfiles = "keep") -> Decoded:
    """Decodes the bytes of a PNG, JPEG, WebP or TIFF file.

    Args:
        content: the whole file.
        profiles: what is done to samples of another colour profile than sRGB.

    Raises:
        ImageError: for an image that is corrupt or has no faithful form in 8-bit RGB.
        UnreadableError: for one that needs more memory than there is.
    """
    assert not ImageFile.LOAD_TRUNCATED_IMAGES, "somebody told Pillow to fill truncated images with grey"
    try:
        with _any_size(), warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            warnings.filterwarnings("error", "Truncated File Read")
            decoded = _decode(content, profiles)
        told = {f"Pillow warns: {warning.message}": None for warning in warned}
        return replace(decoded, remarks=(*decoded.remarks, *told))
    except (ImageError, UnreadableError):
        raise
    except MemoryError as error:
        raise UnreadableError("it does not fit into memory") from error
    except UnidentifiedImageError as error:
        tiff.require_known(content)
        raise ImageError(
            "it cannot be decoded: it is no PNG, JPEG, WebP or TIFF file, or its beginning is lost"
        ) from error
    except Exception as error:  # decoders meet corrupt bytes with nearly any exception
        raise ImageError(f"it cannot be decoded: {error}") from error


def _decode(content: bytes, profiles: ColourProfiles) -> Decoded:
    remarks = []
    with _opened(content) as image:
        kind = image.format
        _require_one_frame(image)
        # Damage that Pillow passes over comes first: a size that is wrong needs no memory.
        if kind == "PNG":
            png.require_all_rows(content)
        if kind == "TIFF":
            tiff.require_faithful(image)
            tiff.require_checksums(image, content)
        _require_memory(image.size)
    probe = jpeg.probe(content) if kind in ("JPEG", "MPO") else None
    if probe is not None:
        content = probe.whole
        remarks += [] if probe.has_end else ["the end marker is missing; the image is whole"]
    with _opened(content) as image:
        image.verify()  # a PNG's checksums, which loading it does not look at; spends the image
    with _opened(content) as image:
        _require_faithful_samples(image)
        if probe is not None:
            _require_whole(image, probe)
        remarks += _gamma(image)
        icc = image.info.get("icc_profile", b"")
        profile = foreign_profile(icc) if icc else ""
        ImageOps.exif_transpose(image, in_place=True)
        pixels = _rgb(image, icc if profile and profiles == "convert" else b"")
    return Decoded(pixels, profile, tuple(remarks))


def _opened(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content), formats=_FORMATS)


@contextlib.contextmanager
def _any_size() -> Iterator[None]:
    """Takes Pillow's limit on pixels away: what an image needs is compared with the memory that there is."""
    with _PILLOWS_LIMIT:
        limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = limit


def _require_memory(size: tuple[int, int]) -> None:
    if max(size) > LONGEST_SIDE:
        raise ImageError(f"it has {size[0]} x {size[1]} pixels; a side has {LONGEST_SIDE:,} at most")
    need, free = size[0] * size[1] * BYTES_PER_PIXEL, memory.available()
    if need > free:
        raise UnreadableError(
            f"it has {size[0]} x {size[1]} pixels, which take {need / _GIB:.1f} GiB to decode, and {free / _GIB:.1f} "
            "are free; shrink or cut it, or take a larger machine"
        )


def _require_whole(image: Image.Image, probe: jpeg.Probe) -> None:
    if probe.same is not None and not _equal(image, probe.same):
        raise ImageError("it cannot be decoded: data of its JPEG are missing, which decoders fill with grey")
    # Of an image of one colour the last bytes change nothing, whether they are its own or left over.
    if probe.other is not None and image.getcolors(1) is None and _equal(image, probe.other):
        raise ImageError("it cannot be decoded: its JPEG is corrupt, since data are left over")


def _equal(image: Image.Image, content: bytes) -> bool:
    with _opened(content) as other:
        strips = zip(_strips(image), _strips(other), strict=True)
        return all(np.array_equal(np.asarray(one), np.asarray(two)) for (_, one), (_, two) in strips)


def _require_one_frame(image: Image.Image) -> None:
    frames = getattr(image, "n_frames", 1)
    if frames > 1 and image.format != "MPO":
        raise ImageError(f"it holds {frames} frames or pages; one is expected")


def _require_faithful_samples(image: Image.Image) -> None:
    samples = sample_format(image)
    if "16" in samples and not image.mode.startswith("I;16"):
        raise ImageError(f"it has 16 bits a sample in {image.mode}, of which Pillow reads 8; convert it to 8 bits")
    if image.mode.startswith("I;16") and (not samples.startswith("I;16") or "transparency" in image.info):
        raise ImageError(f"its grey samples ({samples}) are neither 8 nor plain 16 bits wide; convert it to 8 bits")
    if image.mode not in _EXACT and not image.mode.startswith("I;16") and not image.has_transparency_data:
        raise ImageError(f"its colour mode {image.mode} has no faithful form in 8-bit RGB; convert it")


def _gamma(image: Image.Image) -> list[str]:
    """Tells of a PNG that states another tone curve than sRGB's, which is not applied; a profile stands above it."""
    gamma = image.info.get("gamma")
    if not gamma or "srgb" in image.info or image.info.get("icc_profile"):
        return []
    if abs(gamma * _GAMMA_OF_SRGB - 1) < _GAMMA_TOLERANCE:
        return []
    return [f"it states a gamma of {gamma:.4g}, taken as if it were sRGB"]


def sample_format(image: Image.Image) -> str:
    """Returns what Pillow calls the raw mode of the file's samples, such as "RGB;16B", where it says so."""
    for tile in getattr(image, "tile", ()):
        arguments = tile.args if isinstance(tile.args, tuple) else (tile.args,)
        if arguments and isinstance(arguments[0], str):
            return arguments[0]
    return ""


def _rgb(image: Image.Image, profile: bytes) -> NDArray[np.uint8]:
    """Converts an image to uint8 (3, H, W), strip by strip; from `profile` to sRGB where one is given."""
    pixels = np.empty((3, image.height, image.width), np.uint8)
    for top, strip in _strips(image):
        exact = _in_8_bits(strip)
        rgb = np.asarray((converted(exact, profile) if profile else exact).convert("RGB"))
        pixels[:, top : top + strip.height] = rgb.transpose(2, 0, 1)
    return pixels


def _strips(image: Image.Image) -> Iterator[tuple[int, Image.Image]]:
    for top in range(0, image.height, _ROWS):
        yield top, image.crop((0, top, image.width, min(top + _ROWS, image.height)))


def _in_8_bits(strip: Image.Image) -> Image.Image:
    """Returns a part of an image in mode "L" or "RGB".

    Raises:
        ImageError: where it is transparent.
    """
    if strip.mode.startswith("I;16"):
        grey = (np.asarray(strip).astype(np.uint32) * 255 + 32767) // 65535
        return Image.fromarray(grey.astype(np.uint8))
    is_grey = strip.mode in ("1", "L", "LA")
    if strip.has_transparency_data:
        strip = strip.convert("RGBA")
        if np.asarray(strip.getchannel("A")).min() < 255:
            raise ImageError("it is transparent in places; flatten it onto a background")
        return strip.getchannel("R") if is_grey else strip.convert("RGB")
    return strip.convert("L" if is_grey else "RGB")
