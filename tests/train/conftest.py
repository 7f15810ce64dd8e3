"""A cell small enough to be trained in a test, its images and its place in a store."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ablate.config import Cell
from ablate.data import prepare, resolve
from ablate.records import Environment
from ablate.store import Entry, Store


def gradient_image(seed: int, height: int = 176, width: int = 192) -> np.ndarray:
    """Draws a smooth colour image with edges, different for each seed."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width] / 64
    waves = [np.sin(x * a + y * b + c) for a, b, c in rng.uniform(0.5, 3, (3, 3))]
    image = np.stack(waves, -1) * 90 + 128 + 30 * (np.floor(x) % 2)[..., None]
    return image.clip(0, 255).astype(np.uint8)


@pytest.fixture(scope="session")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Returns a directory with train/ and test/ images."""
    root = tmp_path_factory.mktemp("images")
    for split, seeds in (("train", (1, 2)), ("test", (3,))):
        (root / split).mkdir()
        for seed in seeds:
            Image.fromarray(gradient_image(seed)).save(root / split / f"{split}{seed}.png")
    return root


MakeCell = Callable[..., Cell]


@pytest.fixture
def make_cell(images: Path) -> MakeCell:
    """Returns a function from sections of settings to a resolved cell of a few thousand weights."""

    def make(**sections: dict) -> Cell:
        settings: dict = {
            "data": {"source": "folder", "train": "train", "test": "test", "crop": 32, "batch_size": 2},
            "model": {
                "width": 4,
                "downsamplings": 2,
                "residual_blocks": 1,
                "norm": "channel",
                "channels": 2,
                "latent_norm": "batch",
            },
            "discriminator": {"width": 4, "layers": 2, "norm": "channel", "scales": 2},
            "train": {"steps": 12, "log_every": 4, "checkpoint_every": 5},
        }
        for name, section in sections.items():
            settings[name] = settings.get(name, {}) | section
        cell = Cell.model_validate(settings)
        return cell.model_copy(update={"data": resolve(cell.data, images)})

    return make


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "runs", "test")


@pytest.fixture
def claimed(store: Store) -> Callable[[Cell], Entry]:
    """Returns a function from a cell to its entry with an attempt begun and images decoded."""

    def claim(cell: Cell) -> Entry:
        for split in ("train", "test"):
            prepare(cell.data, split, store.data_cache)
        entry = store.cell(cell.id)
        entry.begin_attempt(Environment(device="cpu"))
        return entry

    return claim
