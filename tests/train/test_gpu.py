"""On a GPU alone: that a cell trains, measures and compresses there as it does on the CPU, and that no step waits."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from ablate.config import Cell
from ablate.data import prepare
from ablate.evaluate.features import as_tensor
from ablate.execute.cell import run_cell, run_warmup
from ablate.objective import Choice, Kernels
from ablate.records import CellSettings, Environment
from ablate.store import Entry, Store
from ablate.store.weights import load
from ablate.trackers.tracking import Tracking
from ablate.train.loop import train
from ablate.train.state import TrainState
from ablate.train.watch import Watch

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device, and pytest -m gpu"),
]
SETTINGS = {
    "plain": {},
    "noise and penalties": {"model": {"noise": True}, "loss": {"penalties": ["r1", "lecam", "cr"]}},
    "bfloat16": {"train": {"precision": "bfloat16", "channels_last": True}},
}


def settings_of(name: str, **train_settings: object) -> dict:
    sections = SETTINGS[name]
    return {**sections, "train": {**sections.get("train", {}), **train_settings}}


@pytest.mark.parametrize("kernels", ["eager", "auto"])
@pytest.mark.parametrize("name", SETTINGS)
def test_the_first_step_is_that_of_the_cpu(make_cell, claimed, store: Store, name: str, kernels: Kernels) -> None:
    cell: Cell = make_cell(**settings_of(name, steps=1))
    rows = []
    for device in ("cpu", "cuda"):
        entry: Entry = claimed(cell)
        state = TrainState.for_cell(cell, device)
        watch = Watch(Tracking(entry, 1), device, lambda: False, "train")
        train(state, cell, prepare(cell.data, "train", store.data_cache), watch, Choice(kernels, device))
        rows.append(entry.metrics()[-1].loss)
    tolerance = 0.1 if cell.train.precision == "bfloat16" else 1e-3
    assert rows[1] == pytest.approx(rows[0], rel=tolerance)


@pytest.mark.parametrize("kernels", ["eager", "auto"])
@pytest.mark.parametrize("name", SETTINGS)
def test_a_plain_step_waits_for_nothing(make_cell, claimed, store: Store, name: str, kernels: Kernels) -> None:
    cell: Cell = make_cell(**settings_of(name, steps=5, log_every=99, checkpoint_every=99))
    ended: list[int] = []

    def stop() -> bool:
        ended.append(len(ended) + 1)
        torch.cuda.set_sync_debug_mode("error" if 2 <= len(ended) < 4 else "default")
        return False

    state = TrainState.for_cell(cell, "cuda")
    images = prepare(cell.data, "train", store.data_cache)
    try:
        outcome = train(state, cell, images, Watch(claimed(cell), 1, "cuda", stop, "train"), Choice(kernels, "cuda"))
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert (outcome.status, ended) == ("done", [1, 2, 3, 4, 5])


def test_a_cell_goes_from_its_warm_start_through_an_interruption_to_its_result(
    make_cell, claimed: Callable[[Cell], Entry], store: Store
) -> None:
    cell: Cell = make_cell(train={"steps": 6, "warmup_steps": 4, "checkpoint_every": 2}, loss={"penalties": ["lecam"]})
    entry, warmup = claimed(cell), store.warmup(cell.warmup.id)
    warmup.begin_attempt(Environment())
    entry.write_settings(CellSettings(id=cell.id, label="small", seed=0, cell=cell.model_dump(mode="json")))
    common = {"data_cache": store.data_cache, "device": "cuda", "attempt": 1}
    assert run_warmup(cell.warmup, warmup, stop=lambda: False, **common).status == "done"
    assert run_cell(cell, entry, warmup=warmup, stop=lambda: True, **common).status == "interrupted"
    assert run_cell(cell, entry, warmup=warmup, stop=lambda: False, **common).status == "done"
    assert entry.result().peak_memory_bytes > 0

    codecs = [load(entry, "ema", device) for device in ("cuda", "cpu")]
    image = as_tensor(prepare(cell.data, "test", store.data_cache)[0])
    there, here = (codec.symbols(codec.encode(image)).values for codec in codecs)
    assert (there != here).float().mean() < 1e-3
    file = codecs[0].encode(image)
    there, here = (codec.decode(file).int() for codec in codecs)
    assert (there - here).abs().max() <= 1
