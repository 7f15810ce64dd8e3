from __future__ import annotations

import numpy as np
import pytest
import torch

from ablate.data.crops import crops
from ablate.data.images import Images

CROP = 16
SHAPES = ((16, 16), (20, 40), (64, 17))


def coded_images() -> Images:
    """Images whose every pixel says which image, row and column it is."""
    planes = []
    for which, (height, width) in enumerate(SHAPES):
        rows, columns = np.mgrid[:height, :width]
        planes.append(np.stack([np.full_like(rows, which), rows, columns]).astype(np.uint8))
    offsets = np.cumsum([0, *(plane.size for plane in planes)])[:-1].tolist()
    pixels = np.concatenate([plane.ravel() for plane in planes])
    return Images(("a", "b", "c"), "digest", (), SHAPES, tuple(offsets), pixels)


def batch(step: int = 0, seed: int = 0, batch_size: int = 64, flip: bool = True) -> torch.Tensor:
    return crops(coded_images(), crop=CROP, batch_size=batch_size, flip=flip, seed=seed, step=step)


def test_a_batch_is_a_pure_function_of_seed_and_step() -> None:
    torch.manual_seed(1)
    first = batch(step=7, seed=3)
    torch.manual_seed(2)
    batch(step=8, seed=3)
    assert torch.equal(batch(step=7, seed=3), first)
    assert not torch.equal(batch(step=8, seed=3), first)
    assert not torch.equal(batch(step=7, seed=4), first)


def test_every_crop_is_a_whole_window_of_one_image() -> None:
    result = batch(flip=False)
    assert result.dtype == torch.uint8
    assert result.shape == (64, 3, CROP, CROP)
    for which, rows, columns in result:
        height, width = SHAPES[int(which[0, 0])]
        assert which.unique().numel() == 1
        assert torch.equal(rows.int() - rows[0, 0].int(), torch.arange(CROP)[:, None].expand(CROP, CROP))
        assert torch.equal(columns.int() - columns[0, 0].int(), torch.arange(CROP).expand(CROP, CROP))
        assert rows.max() < height
        assert columns.max() < width


def test_flipping_mirrors_about_half_of_the_same_crops() -> None:
    plain, mirrored = batch(flip=False, batch_size=400), batch(flip=True, batch_size=400)
    turned = [torch.equal(b, a.flip(2)) for a, b in zip(plain, mirrored, strict=True)]
    same = [torch.equal(b, a) for a, b in zip(plain, mirrored, strict=True)]
    assert all(a != b for a, b in zip(turned, same, strict=True))
    assert 150 < sum(turned) < 250  # 5 standard deviations of a fair coin


def test_images_and_positions_are_drawn_uniformly() -> None:
    drawn = batch(batch_size=3000, flip=False)
    counts = np.bincount(drawn[:, 0, 0, 0], minlength=3)
    assert (abs(counts - 1000) < 130).all()  # 5 standard deviations of a binomial
    tall = drawn[drawn[:, 0, 0, 0] == 2]
    tops = np.bincount(tall[:, 1, 0, 0], minlength=64 - CROP + 1)
    assert (tops[: 64 - CROP + 1] > 0).all()
    assert set(tall[:, 2, 0, 0].tolist()) == {0, 1}


@pytest.mark.parametrize("batch_size", [1, 5])
def test_a_smaller_batch_is_the_beginning_of_a_larger_one(batch_size: int) -> None:
    assert torch.equal(batch(batch_size=batch_size), batch(batch_size=64)[:batch_size])
