import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ablate.config import Data
from ablate.data import resolve
from ablate.execute.jobs import Job
from ablate.execute.work import PRELOAD, prepare
from ablate.execute.worker import _use_gpu
from ablate.records import CellSettings
from ablate.store import Store


@pytest.fixture
def data(tmp_path: Path) -> Data:
    for number, name in enumerate(("train/a.png", "train/b.png", "test/c.png")):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.fromarray(np.full((32, 40, 3), number, np.uint8)).save(tmp_path / name)
    settings = Data(source="folder", train="train", test="test", crop=16, on_bad_image="skip")
    return resolve(settings, tmp_path)


def job(data: Data, number: int) -> Job:
    settings = CellSettings(id=str(number), cell={"data": data.model_dump(mode="json")})
    return Job("cell", str(number), f"cell {number}", settings, steps=1)


def test_images_are_decoded_once_for_all_jobs_and_counted(data: Data, tmp_path: Path):
    said: list[str] = []
    store = Store(tmp_path / "runs", "grid")
    prepare([job(data, number) for number in range(5)], store, said.append)
    assert said == ["train images: 2", "test images: 1"]
    assert len(list(store.data_cache.glob("*/images.u8"))) == 2


def test_an_image_that_is_skipped_is_counted_and_named(data: Data, tmp_path: Path):
    Image.fromarray(np.zeros((4, 4, 3), np.uint8)).save(tmp_path / "train" / "tiny.png")
    fresh = data.model_copy(update={"train_digest": None, "test_digest": None})
    said: list[str] = []
    prepare([job(resolve(fresh, tmp_path), 0)], Store(tmp_path / "runs", "grid"), said.append)
    assert said[0] == "train images: 2, 1 skipped"
    assert "tiny.png" in said[1]


def test_settings_that_differ_in_the_crop_are_each_checked(data: Data, tmp_path: Path):
    """An image that holds one cell's crop may be too small for another's."""
    larger = data.model_copy(update={"crop": 64, "on_bad_image": "error"})
    with pytest.raises(ValueError, match=r"a\.png"):
        prepare([job(data, 0), job(larger, 1)], Store(tmp_path / "runs", "grid"), lambda _text: None)


ASKED = """
import importlib, json, sys
import torch

asked = []
for name in [name for name in dir(torch._C) if name.startswith(("_cuda_getDevice", "_cuda_init"))]:
    setattr(torch._C, name, lambda *_, name=name: asked.append(name) or 0)
for name in ("is_available", "device_count", "_lazy_init"):
    setattr(torch.cuda, name, lambda *_, name=name: asked.append(name) or False)
for module in sys.argv[1:]:
    importlib.import_module(module)
print(json.dumps(asked))
"""


def test_what_is_imported_before_workers_are_forked_asks_nothing_of_cuda():
    """The driver is of no use to a process that was forked after it had been asked even how many GPUs there are."""
    done = subprocess.run([sys.executable, "-c", ASKED, *PRELOAD], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("visible", "index", "one"),
    [
        (None, 2, "2"),
        ("3,1", 1, "1"),
        ("GPU-8f0b, GPU-1c2d", 1, "GPU-1c2d"),
        ("MIG-7a44", 0, "MIG-7a44"),
        ("", 0, ""),  # all are hidden, and stay so
    ],
)
def test_a_worker_sees_the_one_gpu_that_its_slot_has_among_those_it_was_given(monkeypatch, visible, index, one):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    _use_gpu(index)
    assert os.environ["CUDA_VISIBLE_DEVICES"] == one
