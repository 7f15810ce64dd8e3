"""Files of 24 images by each prior and in each mode: another process makes the same images, and no damage passes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from ablate.codecs.build import build_codec
from ablate.codecs.codec import Side
from ablate.codecs.settings import Model
from ablate.codecs.side import side_beside
from ablate.codecs.trained import TrainedCodec
from ablate.data.regions import draw
from ablate.rng import stream
from ablate.sources.photos import list_photos
from ablate.sources.segmentation import CLASSES, segment

COUNT = 24
LEVELS = {"channels": 4, "width": 4, "downsamplings": 2, "residual_blocks": 0, "norm": "channel"}
RATED = {**LEVELS, "latent_norm": "none", "prior_width": 6}
MAPS = {"map_classes": CLASSES}
KINDS = {
    "levels": LEVELS,
    "noise": {**LEVELS, "noise": True},
    "selective": {**LEVELS, "selective": "random_box"},
    "maps": {**LEVELS, **MAPS},
    "maps and noise, selective": {**LEVELS, **MAPS, "selective": "random_instance", "noise": True},
    **{prior: {**RATED, "prior": prior} for prior in ("factorized", "hyperprior", "context")},
    "maps, context": {**RATED, **MAPS, "prior": "context"},
    "hific": {**RATED, "codec": "hific", "prior": "hyperprior"},
}
"""Every prior and every mode that go together."""


def codec(kind: str) -> TrainedCodec:
    settings = Model.model_validate(KINDS[kind])
    return TrainedCodec.of(build_codec(settings, seed=0), settings, seed=0)


def photographs() -> list[Tensor]:
    """Returns parts of photographs, from 9 to 78 pixels a side, odd ones among them."""
    parts: list[Tensor] = []
    for split in ("train", "test"):
        for _, path in list_photos(split):
            whole = torch.from_numpy(np.asarray(Image.open(path).convert("RGB")).copy()).permute(2, 0, 1)
            for number in range(len(parts), min(len(parts) + 3, COUNT)):
                height, width = 9 + 3 * number, 78 - 2 * number
                parts.append(whole[:, 90 : 90 + height, 60 : 60 + width].contiguous())
    return parts


def beside(image: Tensor, number: int) -> tuple[Side, Tensor]:
    """Returns the label map of a photograph, and a region of it."""
    size = (image.shape[1], image.shape[2])
    return side_beside(segment(image.numpy())[0]), draw("random_box", size, None, stream(number, "region"))


@pytest.fixture(scope="module")
def files() -> dict[str, list[bytes]]:
    """The files of all kinds, one of each photograph."""
    images = photographs()
    given = [(image, *beside(image, number)) for number, image in enumerate(images)]
    return {kind: [made.encode(*each) for each in given] for kind in KINDS for made in [codec(kind)]}


def test_there_are_24_files_of_each_kind_and_none_is_another(files: dict[str, list[bytes]]) -> None:
    each = [file for kind in files.values() for file in kind]
    assert len(set(each)) == len(each) == COUNT * len(KINDS)


DECODE = """
import torch
from ablate.codecs.build import restore_codec
from ablate.codecs.settings import Model
from ablate.codecs.trained import TrainedCodec
for settings, weights, files, expected in torch.load("files.pt"):
    settings = Model.model_validate(settings)
    codec = TrainedCodec.of(restore_codec(settings, weights), settings, seed=0)
    for file, image in zip(files, expected, strict=True):
        assert torch.equal(codec.decode(file), image)
print("all")
"""


def test_another_process_decodes_every_file_to_the_same_bits(files: dict[str, list[bytes]], tmp_path: Path) -> None:
    told = []
    for kind, written in files.items():
        made = codec(kind)
        images = [made.decode(file) for file in written]
        told.append((made.networks.settings.model_dump(), made.networks.state_dict(), written, images))
    torch.save(told, tmp_path / "files.pt")
    found = subprocess.run(
        [sys.executable, "-c", DECODE], cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    assert found.stdout == "all\n"


@pytest.mark.parametrize("kind", KINDS)
def test_every_flipped_bit_and_every_cut_is_refused(files: dict[str, list[bytes]], kind: str) -> None:
    made = codec(kind)
    for file in files[kind]:
        for place, byte in enumerate(file):
            for bit in range(8):
                assert is_refused(made, file[:place] + bytes([byte ^ 1 << bit]) + file[place + 1 :]), (place, bit)
            assert is_refused(made, file[:place]), place


def is_refused(made: TrainedCodec, file: bytes) -> bool:
    try:
        made.decode(file)
    except ValueError as error:
        return "file" in str(error)
    return False


def test_a_file_of_one_kind_is_none_of_another(files: dict[str, list[bytes]]) -> None:
    for kind in KINDS:
        made = codec(kind)
        for other in KINDS.keys() - {kind}:
            assert is_refused(made, files[other][0]), (kind, other)
