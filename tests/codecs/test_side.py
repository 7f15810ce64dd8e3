"""Side information in files: lossless, counted, and refused where it is altered or missing."""

from __future__ import annotations

import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from ablate.codecs.build import build_codec
from ablate.codecs.codec import Side
from ablate.codecs.container import Field, opened, seal
from ablate.codecs.settings import Model
from ablate.codecs.side import read_labels, side_beside, write_labels
from ablate.codecs.trained import TrainedCodec
from ablate.rng import stream
from ablate.sources.segmentation import CLASSES, segment
from tests.train.conftest import gradient_image

SHAPE = {"channels": 4, "width": 4, "downsamplings": 2, "residual_blocks": 0, "norm": "channel"}
MODELS = {
    "levels": Model.model_validate({**SHAPE, "map_classes": CLASSES}),
    "noise": Model.model_validate({**SHAPE, "map_classes": CLASSES, "noise": True}),
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


def flipped(file: bytes, index: int) -> bytes:
    return file[:index] + bytes([file[index] ^ 0x10]) + file[index + 1 :]


def test_every_flipped_byte_is_refused() -> None:
    codec, (image, side) = trained(), given(height=30, width=40)
    file = codec.encode(image, side)
    for index in range(len(file)):
        with pytest.raises(ValueError, match=r"file|model"):
            codec.decode(flipped(file, index))


def test_every_truncated_file_is_refused() -> None:
    codec, (image, side) = trained(), given(height=30, width=40)
    file = codec.encode(image, side)
    for length in range(0, len(file), 7):
        with pytest.raises(ValueError, match="file"):
            codec.decode(file[:length])


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


DECODE = """
import sys
from pathlib import Path
import torch
from tests.codecs.test_side import trained
root = Path(sys.argv[1])
for file in sorted(root.glob("*.ablt")):
    codec = trained(file.stem.split("-")[0])
    torch.save(codec.decode(file.read_bytes()), file.with_suffix(".pt"))
"""


@pytest.mark.parametrize("count", [3, pytest.param(24, marks=pytest.mark.torture)])
def test_files_are_decoded_to_the_same_images_in_another_process(tmp_path: Path, count: int) -> None:
    expected = {}
    for kind in MODELS:
        codec = trained(kind)
        for number in range(count):
            image, side = given(number, 40 + 3 * number, 90 - 2 * number)
            file = codec.encode(image, side)
            (tmp_path / f"{kind}-{number}.ablt").write_bytes(file)
            expected[f"{kind}-{number}"] = codec.decode(file)
    subprocess.run([sys.executable, "-c", DECODE, str(tmp_path)], check=True, cwd=Path(__file__).parents[2])
    for name, image in expected.items():
        assert torch.equal(torch.load(tmp_path / f"{name}.pt"), image), name
