from __future__ import annotations

import pytest
import torch

from ablate.metrics import patches


def test_the_second_grid_is_shifted_along_both_axes() -> None:
    image = torch.arange(5 * 7, dtype=torch.uint8).reshape(1, 5, 7)
    cut = patches(image, 4, 2)
    assert [patch[0, 0, 0].item() for patch in cut] == [0]  # 5 rows hold no shifted patch of 4
    cut = patches(image, 2, 1)
    corners = [patch[0, 0, 0].item() for patch in cut]
    assert corners == [0, 2, 4, 14, 16, 18, 8, 10, 12, 22, 24, 26]
    assert cut[0].tolist() == [[[0, 1], [7, 8]]]


@pytest.mark.parametrize(
    ("height", "width", "patch", "shift", "expected"),
    [(512, 768, 256, 128, 6 + 2), (300, 451, 64, 32, 28 + 24), (300, 451, 64, 0, 28), (64, 64, 64, 32, 1)],
)
def test_every_whole_patch_is_counted(height: int, width: int, patch: int, shift: int, expected: int) -> None:
    cut = patches(torch.zeros(3, height, width, dtype=torch.uint8), patch, shift)
    assert cut.shape == (expected, 3, patch, patch)


def test_kodak_has_the_192_patches_of_the_literature() -> None:
    landscape, portrait = (torch.zeros(3, *size, dtype=torch.uint8) for size in ((512, 768), (768, 512)))
    assert 18 * len(patches(landscape, 256, 128)) + 6 * len(patches(portrait, 256, 128)) == 192


def test_an_image_smaller_than_a_patch_has_none() -> None:
    assert patches(torch.zeros(3, 63, 400, dtype=torch.uint8), 64, 32).shape == (0, 3, 64, 64)


def test_other_shapes_and_shifts_are_refused() -> None:
    with pytest.raises(ValueError, match=r"must be \(C, H, W\)"):
        patches(torch.zeros(1, 3, 64, 64), 64, 32)
    for patch, shift in ((64, 64), (64, -1), (0, 0)):
        with pytest.raises(ValueError, match="expected 0 <= shift < patch"):
            patches(torch.zeros(3, 64, 64), patch, shift)
