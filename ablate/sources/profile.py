"""Colour profiles: what an image's samples mean where that is not sRGB."""

from __future__ import annotations

import functools
import io

import numpy as np
from PIL import Image, ImageCms

from ablate.sources.protocol import ImageError

_SAME = 2
"""Levels by which a profile may differ from sRGB and count as sRGB: rounding, and the curves of its many versions."""
_INTENT = ImageCms.Intent.RELATIVE_COLORIMETRIC
_FLAGS = ImageCms.Flags.BLACKPOINTCOMPENSATION


@functools.lru_cache(maxsize=64)
def foreign_profile(profile: bytes) -> str:
    """Returns the name of a profile, empty where its samples are those of sRGB to within rounding."""
    name = "that cannot be read"
    try:
        opened = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        name = ImageCms.getProfileDescription(opened).strip() or "without a name"
        probed = _colours(_mode(opened))
        turned = np.asarray(converted(probed, profile), np.int16)
    except (ImageError, ImageCms.PyCMSError, OSError):
        return name
    return "" if np.abs(turned - np.asarray(probed.convert("RGB"), np.int16)).max() <= _SAME else name


def converted(image: Image.Image, profile: bytes) -> Image.Image:
    """Returns an image of mode "L" or "RGB" as sRGB: relative colorimetric, with black point compensation.

    Raises:
        ImageError: if the profile cannot be applied.
    """
    try:
        mode, transform = _to_srgb(profile)
        if mode == "L" and image.mode != "L":
            raise ImageError("its colour profile is one of grey, and it is coloured")
        turned = ImageCms.applyTransform(image.convert(mode), transform)
    except (ImageCms.PyCMSError, OSError) as error:
        raise ImageError(f"its colour profile cannot be applied: {error}") from error
    assert turned is not None, "only in place there is nothing to return"
    return turned


@functools.lru_cache(maxsize=64)
def _to_srgb(profile: bytes) -> tuple[str, ImageCms.ImageCmsTransform]:
    """Returns the mode of image that a profile is for, and the transformation of such an image."""
    opened = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    mode = _mode(opened)
    return mode, ImageCms.buildTransform(opened, ImageCms.createProfile("sRGB"), mode, "RGB", _INTENT, _FLAGS)


def _mode(profile: ImageCms.ImageCmsProfile) -> str:
    return "L" if profile.profile.xcolor_space.strip() == "GRAY" else "RGB"


def _colours(mode: str) -> Image.Image:
    """Returns all greys, or nine levels of each channel with all others."""
    if mode == "L":
        return Image.fromarray(np.arange(256, dtype=np.uint8)[None])
    levels = np.linspace(0, 255, 9).round().astype(np.uint8)
    return Image.fromarray(np.stack(np.meshgrid(levels, levels, levels), -1).reshape(27, 27, 3))
