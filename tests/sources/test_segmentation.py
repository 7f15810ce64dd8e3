"""Label maps that are made of images."""

from __future__ import annotations

import numpy as np

from ablate.sources.label_maps import instances_of
from ablate.sources.segmentation import CLASSES, segment
from tests.train.conftest import gradient_image

DARK_GREY, LIGHT_RED, LIGHT_BLUE = 0, 11, 14


def halves() -> np.ndarray:
    """Dark grey above; light red and light blue, side by side, below."""
    image = np.full((3, 64, 96), 40, np.uint8)
    image[:, 32:, :48] = np.array([255, 140, 150])[:, None, None]
    image[:, 32:, 48:] = np.array([140, 170, 255])[:, None, None]
    return image


def test_regions_are_the_areas_of_one_colour_and_classes_say_which() -> None:
    found = segment(halves())
    assert set(np.unique(instances_of(found))) == {0, 1, 2}
    for area, expected in (((8, 48), DARK_GREY), ((56, 20), LIGHT_RED), ((56, 76), LIGHT_BLUE)):
        assert found[0][area] == expected


def test_a_map_is_a_function_of_the_image() -> None:
    image = gradient_image(1).transpose(2, 0, 1)
    found = segment(image)
    assert (segment(image.copy()) == found).all()
    assert found[0].max() < CLASSES
    assert len(np.unique(instances_of(found))) > 2
    assert (found != segment(image[:, ::-1].copy())[:, ::-1]).mean() < 0.5


def test_every_region_has_one_class() -> None:
    found = segment(gradient_image(2).transpose(2, 0, 1))
    regions = instances_of(found)
    assert all(len(np.unique(found[0][regions == region])) == 1 for region in np.unique(regions))
