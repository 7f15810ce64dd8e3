from __future__ import annotations

import io

import numpy as np
import pytest
import skimage
from PIL import Image, ImageCms

from ablate.sources.decode import decode
from ablate.sources.profile import foreign_profile
from ablate.sources.protocol import ImageError
from tests.images import saved


def shipped(name: str) -> bytes:
    """Returns the colour profile of an image that lies inside scikit-image."""
    with Image.open(f"{skimage.__path__[0]}/data/{name}") as image:
        return image.info["icc_profile"]


def adobe() -> bytes:
    return shipped("rocket.jpg")


def srgb() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def test_profiles_of_srgb_are_none_whatever_they_are_called() -> None:
    assert foreign_profile(srgb()) == ""
    assert foreign_profile(shipped("chelsea.png")) == ""


def test_another_profile_is_known_by_its_name() -> None:
    assert foreign_profile(adobe()) == "Adobe RGB (1998)"
    assert foreign_profile(shipped("page.png")) == "Dot Gain 20%"
    assert foreign_profile(b"nothing of the kind") == "that cannot be read"


@pytest.mark.parametrize("profiles", ["keep", "convert"])
def test_samples_of_srgb_and_of_no_profile_stay_as_they_are(rgb: np.ndarray, profiles: str) -> None:
    for options in ({}, {"icc_profile": srgb()}):
        decoded = decode(saved(Image.fromarray(rgb), **options), profiles)
        np.testing.assert_array_equal(decoded.pixels, rgb.transpose(2, 0, 1))
        assert decoded.profile == ""


def test_samples_of_another_profile_are_kept_or_converted_and_named_both_times(rgb: np.ndarray) -> None:
    content = saved(Image.fromarray(rgb), icc_profile=adobe())
    kept, converted = decode(content), decode(content, "convert")
    assert kept.profile == converted.profile == "Adobe RGB (1998)"
    np.testing.assert_array_equal(kept.pixels, rgb.transpose(2, 0, 1))
    assert abs(converted.pixels.astype(int) - kept.pixels).max() > 20


def test_adobes_green_is_more_than_srgb_can_show_and_its_greys_are_srgbs() -> None:
    colours = np.array([[[0, 255, 0], [255, 255, 255], [0, 0, 0], [128, 128, 128]]], np.uint8)
    green, white, black, grey = decode(saved(Image.fromarray(colours), icc_profile=adobe()), "convert").pixels[:, 0].T
    assert green.tolist() == [0, 255, 0]
    assert (white.tolist(), black.tolist()) == ([255] * 3, [0] * 3)
    # 128 at gamma 2.199 is a luminance of 0.2197, of which sRGB's curve is 128.5 of 255.
    assert abs(grey.astype(int) - 128).max() <= 1


def test_conversion_is_the_same_strip_by_strip(rgb: np.ndarray) -> None:
    tall = np.concatenate([rgb] * 20)
    content = saved(Image.fromarray(tall), icc_profile=adobe())
    pixels = decode(content, "convert").pixels
    assert pixels.shape == (3, 800, 48)
    np.testing.assert_array_equal(pixels[:, :40], pixels[:, -40:])
    opened = Image.open(io.BytesIO(content))
    whole = ImageCms.profileToProfile(
        opened,
        io.BytesIO(adobe()),
        ImageCms.createProfile("sRGB"),
        ImageCms.Intent.RELATIVE_COLORIMETRIC,
        flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
    )
    np.testing.assert_array_equal(pixels, np.asarray(whole).transpose(2, 0, 1))


def test_grey_and_palettes_are_converted_too(rgb: np.ndarray) -> None:
    grey = Image.fromarray(rgb[:, :, 0])
    converted = decode(saved(grey, icc_profile=shipped("page.png")), "convert").pixels
    assert (converted[0] == converted[1]).all()
    assert abs(converted[0].astype(int) - rgb[:, :, 0]).max() > 10
    palette = Image.fromarray(rgb).quantize(16)
    expected = decode(saved(palette.convert("RGB"), icc_profile=adobe()), "convert").pixels
    np.testing.assert_array_equal(decode(saved(palette, icc_profile=adobe()), "convert").pixels, expected)


def test_a_profile_that_cannot_be_applied_is_refused_where_it_should_be_and_else_kept(rgb: np.ndarray) -> None:
    for profile in (b"nothing of the kind" * 20, shipped("page.png")):
        content = saved(Image.fromarray(rgb), icc_profile=profile)
        assert decode(content).profile
        with pytest.raises(ImageError, match="its colour profile "):
            decode(content, "convert")
