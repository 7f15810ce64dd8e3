from __future__ import annotations

import pytest
import torch

from ablate.pixels import to_float, to_uint8


def test_every_level_comes_back() -> None:
    levels = torch.arange(256, dtype=torch.uint8)
    floats = to_float(levels)
    assert floats.dtype == torch.float32
    assert floats[[0, 255]].tolist() == [-1, 1]
    assert torch.equal(to_uint8(floats), levels)


def test_floats_are_clamped_and_rounded_half_to_even() -> None:
    # (x + 1) * 127.5 of these is exact: 127.5, 63.75, 191.25
    assert to_uint8(torch.tensor([-7.0, -1.0, 0.0, -0.5, 0.5, 1.0, 7.0, torch.inf])).tolist() == [
        0,
        0,
        128,
        64,
        191,
        255,
        255,
        255,
    ]


def test_low_precision_is_rounded_in_float32() -> None:
    levels = torch.tensor([-1.0, -0.5, 0.25, 1.0])
    assert torch.equal(to_uint8(levels.bfloat16()), to_uint8(levels))


def test_nan_has_no_pixel_value() -> None:
    with pytest.raises(ValueError, match="holds NaN"):
        to_uint8(torch.tensor([0.0, torch.nan]))
