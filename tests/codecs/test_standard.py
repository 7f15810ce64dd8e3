from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from torch import Tensor

from ablate.codecs.standard import STANDARD, StandardFormat

each_codec = pytest.mark.parametrize("codec", STANDARD, ids=lambda codec: codec.label)


def waves(height: int = 60, width: int = 91) -> Tensor:
    y, x = np.mgrid[:height, :width] / 9
    planes = [127 + 90 * np.sin(x + c) * np.cos(y * (c + 1)) for c in range(3)]
    return torch.from_numpy(np.stack(planes).astype(np.uint8))


@each_codec
def test_better_quality_takes_more_bytes_and_comes_nearer(codec: StandardFormat) -> None:
    image = waves()
    qualities = (codec.lowest, 40, codec.highest)
    files = [codec.at(quality).encode(image) for quality in qualities]
    decoded = [codec.at(40).decode(file) for file in files]
    assert all(each.shape == image.shape and each.dtype == torch.uint8 for each in decoded)
    assert [len(file) for file in files] == sorted({len(file) for file in files})
    errors = [float((each.double() - image).square().mean()) for each in decoded]
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 30


@each_codec
def test_the_settings_make_files_smaller(codec: StandardFormat) -> None:
    plain = dataclasses.replace(codec, options={})
    ours, others = ([len(each.at(q).encode(waves())) for q in (5, 30, 80)] for each in (codec, plain))
    assert sum(ours) < sum(others)


def test_an_image_beyond_the_formats_sides_is_refused() -> None:
    webp = next(codec for codec in STANDARD if codec.label == "WebP")
    with pytest.raises(ValueError, match="WebP cannot hold 1x16384 pixels"):
        webp.at(50).encode(torch.zeros(3, 1, 16384, dtype=torch.uint8))


@each_codec
def test_the_version_names_pillow_and_the_library(codec: StandardFormat) -> None:
    assert codec.version.startswith("Pillow ")
    assert "None" not in codec.version
