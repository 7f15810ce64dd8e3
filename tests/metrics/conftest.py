from __future__ import annotations

from importlib.resources import files

import numpy as np
import pytest
import torch
from PIL import Image


@pytest.fixture(scope="session")
def chelsea() -> torch.Tensor:
    """The photograph of a cat, uint8 (3, 300, 451)."""
    return _photo("chelsea.png")


@pytest.fixture(scope="session")
def coffee() -> torch.Tensor:
    """The photograph of a cup, uint8 (3, 400, 600)."""
    return _photo("coffee.png")


def _photo(name: str) -> torch.Tensor:
    with Image.open(str(files("skimage") / "data" / name)) as image:
        return torch.from_numpy(np.asarray(image.convert("RGB")).transpose(2, 0, 1).copy())
