"""Side information in files: lossless, counted, and refused where it is altered or missing."""

from __future__ import annotations

import struct

import numpy as np
import pytest
import torch
from torch import Tensor

from ablate.codecs.build import build_codec
from ablate.codecs.codec import Side
from ablate.codecs.container import Field, opened, seal
from ablate.codecs.settings import Model
from ablate.codecs.side import blocks_of, read_labels, read_mask, side_beside, write_labels, write_mask
from ablate.codecs.trained import TrainedCodec
from ablate.data.regions import draw
from ablate.rng import stream
from ablate.sources.segmentation import CLASSES, segment
from tests.train.conftest import gradient_image

SHAPE = {"channels": 4, "width": 4, "downsamplings": 2, "residual_blocks": 0, "norm": "channel"}
MODELS = {
    "levels": Model.model_validate({**SHAPE, "map_classes": CLASSES}),
    "noise": Model.model_validate({**SHAPE, "map_classes": CLASSES, "noise": True}),
    "selective": Model.model_validate({**SHAPE, "map_classes": CLASSES, "selective": "random_box", "noise": True}),
    "factorized": Model.model_validate({**SHAPE, "map_classes": CLASSES, "prior": "factorized", "latent_norm": "none"}),
}


def trained(kind: str = "levels") -> TrainedCodec:
    return TrainedCodec.of(build_codec(MODELS[kind], seed=0), MODELS[kind], seed=0)


def given(seed: int = 0, height: int = 61, width: int = 75) -> tuple[Tensor, Side]:
    """An image of sides that no stride divides, and a map of it in bands of its red."""
    image = np.ascontiguousarray(gradient_image(seed, height, width).transpose(2, 0, 1))
    return torch.from_numpy(image), side_beside(image[0] // 18)


@pytest.mark.parametrize("shape", [(1, 1), (61, 75), (3, 16384)])
def test_labels_come_back_as_they_were(shape: tuple[int, int]) -> None:
    labels = torch.randint(0, 256, shape, generator=stream(0, "labels"), dtype=torch.uint8).numpy()
    assert (read_labels(write_labels(labels)) == labels).all()


def test_a_map_of_few_regions_takes_few_bytes() -> None:
    labels = segment(gradient_image(1).transpose(2, 0, 1))[0]
    assert len(write_labels(labels)) < labels.size / 25


@pytest.mark.parametrize("content", [b"", b"RIFF", b"labels"])
def test_what_is_no_map_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match="label map cannot be read"):
        read_labels(content)


@pytest.mark.parametrize("kind", MODELS)
def test_a_file_holds_the_map_and_is_decoded_by_it(kind: str) -> None:
    codec, (image, side) = trained(kind), given()
    file = codec.encode(image, side)
    assert side.labels is not None
    assert (read_labels(opened(file).fields[Field.labels]) == side.labels[0].numpy()).all()
    assert len(file) > len(opened(file).content) + len(opened(file).fields[Field.labels])
    if codec.networks.takes_mask:
        assert read_mask(opened(file).fields[Field.kept]).all()
    decoded = codec.decode(file)
    assert decoded.shape == image.shape
    other = side_beside(np.roll(side.labels[0].numpy(), 20, 1))
    assert (codec.decode(codec.encode(image, other)) != decoded).any(), "the map changes nothing"


def test_a_codec_without_maps_writes_the_file_that_it_always_wrote() -> None:
    settings = Model.model_validate(SHAPE)
    codec, (image, side) = TrainedCodec.of(build_codec(settings, seed=0), settings, seed=0), given()
    assert codec.encode(image, side) == codec.encode(image) == seal(codec.networks.encode(image), codec.model_id)
    assert codec.encode(image)[4] == 2


def test_a_missing_map_and_one_of_another_size_are_refused() -> None:
    codec, (image, side) = trained(), given()
    with pytest.raises(ValueError, match="is given label maps"):
        codec.encode(image)
    with pytest.raises(ValueError, match="the image is 61x74 pixels and its label map 61x75"):
        codec.encode(image[:, :, :-1], side)


def test_a_label_that_is_no_class_is_refused_and_void_is_none() -> None:
    codec, (image, side) = trained(), given()
    assert side.labels is not None
    void, beyond = side.labels.clone(), side.labels.clone()
    void[0, :20], beyond[0, 0, 0] = 255, CLASSES
    assert (codec.decode(codec.encode(image, Side(void))) != codec.decode(codec.encode(image, side))).any()
    with pytest.raises(ValueError, match="holds the label 15, and there are 15 classes"):
        codec.decode(codec.encode(image, Side(beyond)))


def region(image: Tensor, seed: int = 0) -> Tensor:
    """A box of an image."""
    return draw("random_box", (image.shape[1], image.shape[2]), None, stream(seed, "region"))


@pytest.mark.parametrize("shape", [(1, 1), (3, 5), (40, 60)])
def test_masks_come_back_as_they_were(shape: tuple[int, int]) -> None:
    kept = torch.rand(shape, generator=stream(0, "mask")).numpy() < 0.5
    assert (read_mask(write_mask(kept)) == kept).all()


def test_a_mask_of_a_box_takes_few_bytes() -> None:
    kept = np.zeros((64, 128), bool)
    kept[20:40, 30:90] = True
    assert len(write_mask(kept)) < 64 * 128 / 8 / 20


@pytest.mark.parametrize(
    "content", [b"", b"\1\0", b"\4\0\4\0", b"\4\0\4\0masks", write_mask(np.ones((4, 4), bool)) + b"\0"]
)
def test_what_is_no_mask_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match="mask cannot be read"):
        read_mask(content)


def test_a_block_is_kept_where_a_pixel_of_it_is() -> None:
    region = torch.zeros(1, 9, 10, dtype=torch.bool)
    region[0, 3, 4] = region[0, 8, 9] = True
    assert blocks_of(region, 4).int().tolist() == [[[0, 1, 0], [0, 0, 0], [0, 0, 1]]]


def test_blocks_that_are_not_kept_carry_no_symbols() -> None:
    codec, (image, side) = trained("selective"), given()
    whole, part = codec.encode(image, side), codec.encode(image, side, region(image))
    kept = read_mask(opened(part).fields[Field.kept])
    there, all_there = codec.symbols(part), codec.symbols(whole)
    assert there is not None
    assert all_there is not None
    assert there.values.shape == (4, 1, kept.sum())
    assert torch.equal(there.values[:, 0], all_there.values[:, 0].reshape(4, *kept.shape)[:, torch.from_numpy(kept)])
    assert len(opened(part).content) < len(opened(whole).content)


def test_what_is_sent_of_a_region_hangs_on_the_region_alone_and_the_rest_is_made_of_it() -> None:
    codec, (image, side) = trained("selective"), given()
    kept = region(image)
    one, other = codec.decode(codec.encode(image, side, kept)), codec.decode(codec.encode(image, side, ~kept))
    assert (one != other).any()
    assert codec.decode(codec.encode(image, side, kept)).equal(one)


def test_an_image_of_which_nothing_is_kept_is_made_of_its_map() -> None:
    codec, (image, side) = trained("selective"), given()
    none = torch.zeros(image.shape[1:], dtype=torch.bool)
    file = codec.encode(image, side, none)
    assert len(opened(file).content) == 8
    assert codec.decode(file).shape == image.shape
    other = side_beside(np.roll(side.labels[0].numpy(), 20, 1))
    assert (codec.decode(codec.encode(image, other, none)) != codec.decode(file)).any()
    for index in range(len(file)):
        with pytest.raises(ValueError, match=r"file|model"):
            codec.decode(file[:index] + bytes([file[index] ^ 0x10]) + file[index + 1 :])


def test_a_mask_of_another_size_is_refused() -> None:
    codec, (image, side) = trained("selective"), given()
    with pytest.raises(ValueError, match="the image is 61x75 pixels and its mask 61x74"):
        codec.encode(image, side, torch.ones(61, 74, dtype=torch.bool))
    content, labels = opened(codec.encode(image, side)).content, write_labels(side.labels[0].numpy())
    wrong = {Field.labels: labels, Field.kept: write_mask(np.ones((15, 19), bool))}
    with pytest.raises(ValueError, match="the mask is of 15x19 blocks, and the image has 16x19"):
        codec.decode(seal(content, codec.model_id, wrong))


def test_forged_side_information_with_a_right_checksum_is_refused() -> None:
    codec, (image, side) = trained(), given()
    content, labels = codec.networks.encode(image), write_labels(side.labels[0].numpy())
    small = write_labels(side.labels[0, :-1].numpy())

    def forged(beside: bytes) -> bytes:
        return seal(beside + content, codec.model_id)[:4] + b"\3" + seal(beside + content, codec.model_id)[5:-4]

    def summed(file: bytes) -> bytes:
        import zlib

        return file + struct.pack("<I", zlib.crc32(file))

    field = struct.pack("<BI", 1, len(labels)) + labels
    assert codec.decode(summed(forged(field + b"\0"))).shape == image.shape
    for beside, said in (
        (b"\0", "side information is none of this codec"),
        (struct.pack("<BI", 9, 2) + b"ab\0", "kind 9 and 2 bytes"),
        (struct.pack("<BI", 1, 1 << 30) + labels, "kind 1 and 1073741824 bytes"),
        (field + field + b"\0", "kind 1"),
        (struct.pack("<BI", 1, len(small)) + small + b"\0", "the label map is 60x75 pixels and the image 61x75"),
    ):
        with pytest.raises(ValueError, match=said):
            codec.decode(summed(forged(beside)))
    plain = seal(content, codec.model_id)
    with pytest.raises(ValueError, match="side information is none of this codec"):
        codec.decode(plain)
