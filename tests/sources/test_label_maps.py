"""Label images beside images: which belongs to which, what their pixels say, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ablate.sources.label_maps import connected, find_maps, instances_of, labels_of, map_sha256, planes, read_map
from ablate.sources.protocol import ImageError
from tests.images import png, saved

SQUARES = np.array([[0, 0, 3], [7, 0, 3], [7, 7, 0]], np.uint8)


def palette_image(labels: np.ndarray) -> Image.Image:
    """A palette image whose colours say nothing: 3 and 7 look alike."""
    image = Image.fromarray(labels, "P")
    image.putpalette([200, 10, 10] * 256)
    return image


def put(path: Path, labels: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    palette_image(labels).save(path)
    return path


def test_labels_are_pixel_values_and_no_colours() -> None:
    assert (labels_of(saved(palette_image(SQUARES))) == SQUARES).all()
    assert (labels_of(saved(Image.fromarray(SQUARES, "L"))) == SQUARES).all()


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "I;16"])
def test_an_image_whose_pixels_are_no_labels_is_refused(mode: str) -> None:
    image = Image.fromarray(SQUARES.astype(np.uint16)) if mode == "I;16" else Image.fromarray(SQUARES).convert(mode)
    with pytest.raises(ImageError, match="a label image has a palette or is grey"):
        labels_of(saved(image))


@pytest.mark.parametrize("bits", [2, 4])
def test_grey_pixels_of_few_bits_are_refused_since_they_are_scaled(bits: int) -> None:
    row = b"\0" + (b"\x1b" if bits == 2 else b"\x01\x23")
    with pytest.raises(ImageError, match=f"its grey pixels have {bits} bits"):
        labels_of(png(4, 1, bits, 0, row))


def test_what_is_no_image_is_refused() -> None:
    with pytest.raises(ImageError, match="it is no image"):
        labels_of(b"labels")


def test_instances_are_connected_regions_of_a_class() -> None:
    assert connected(SQUARES).tolist() == [[0, 0, 1], [2, 0, 1], [2, 2, 3]]


def test_instances_survive_in_two_planes() -> None:
    numbers = np.array([[0, 300], [65535, 255]])
    assert (instances_of(planes(np.zeros((2, 2), np.uint8), numbers)) == numbers).all()
    with pytest.raises(ImageError, match="65536 are the most"):
        planes(np.zeros((2, 2), np.uint8), numbers + 1)


def test_maps_are_matched_by_name_whatever_the_ending_of_the_image(tmp_path: Path) -> None:
    paths = {name: put(tmp_path / f"{name}.png", SQUARES) for name in ("a", "deep/b", "c.d")}
    assert find_maps(tmp_path, ["a.jpg", "deep/b.webp", "c.d"], "train") == {
        "a.jpg": paths["a"],
        "deep/b.webp": paths["deep/b"],
        "c.d": paths["c.d"],
    }


def test_of_maps_of_one_name_that_of_the_split_is_taken(tmp_path: Path) -> None:
    paths = {split: put(tmp_path / split / "a.png", SQUARES) for split in ("train", "test")}
    assert find_maps(tmp_path, ["a.png"], "test") == {"a.png": paths["test"]}
    with pytest.raises(ValueError, match=r"a\.png has more than one label map"):
        find_maps(tmp_path, ["a.png"], "other")


def test_images_without_a_map_are_named(tmp_path: Path) -> None:
    put(tmp_path / "a.png", SQUARES)
    with pytest.raises(
        ValueError, match=r"2 of 3 images have no label map below .*: b\.png, c\.png; b\.png is expected"
    ):
        find_maps(tmp_path, ["a.png", "b.png", "c.png"], "train")


def test_the_layout_of_cityscapes_is_recognised(tmp_path: Path) -> None:
    stem = tmp_path / "train" / "aachen" / "aachen_000000_000019_gtFine"
    labels = put(Path(f"{stem}_labelIds.png"), SQUARES)
    put(Path(f"{stem}_color.png"), SQUARES)
    instances = Path(f"{stem}_instanceIds.png")
    Image.fromarray(np.array([[0, 0, 3], [7001, 0, 3], [7002, 7002, 0]], np.uint16)).save(instances)
    image = "aachen/aachen_000000_000019_leftImg8bit.png"
    assert find_maps(tmp_path, [image], "train") == {image: labels}
    read = read_map(labels, map_sha256(labels)).pixels
    assert (read[0] == SQUARES).all()
    assert instances_of(read).tolist() == [[0, 0, 1], [2, 0, 1], [3, 3, 0]]


def test_the_hash_of_a_map_is_that_of_its_instances_too(tmp_path: Path) -> None:
    labels = put(tmp_path / "a_gtFine_labelIds.png", SQUARES)
    before = map_sha256(labels)
    Image.fromarray(SQUARES.astype(np.uint16)).save(tmp_path / "a_gtFine_instanceIds.png")
    assert map_sha256(labels) != before
    with pytest.raises(ValueError, match="changed while it was read"):
        read_map(labels, before)
