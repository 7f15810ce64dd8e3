"""Measures which share of a quickstart cell's processor time sealing takes; it shall be below 2 %.

    python tests/bench/sealing_share.py [STEPS]

Trains the first cell of grids/quickstart.toml without its warm-up, in this process and in a temporary directory,
measures it and commits it. Counts the processor time of every hash: of checkpoints as they are written, and of all
files and the record at the end. Prints seconds and the share.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import torch

from ablate.config import Cell
from ablate.execute import cell as executed
from ablate.execute import load_plan
from ablate.execute.work import keep_freed_memory
from ablate.records import CellSettings, Environment, record
from ablate.store import Store, checkpoint

GRID = Path(__file__).parents[2] / "grids" / "quickstart.toml"


class Counted:
    """Adds up the processor time of functions."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*given: Any, **named: Any) -> Any:
            began = time.process_time()
            try:
                return function(*given, **named)
            finally:
                self.seconds += time.process_time() - began

        return timed


def main() -> None:
    torch.set_num_threads(1)
    keep_freed_memory()
    sealing = Counted()

    class Hashing(checkpoint._Hashing):
        def write(self, content: Any) -> int:
            began = time.process_time()
            self.digest.update(content)
            sealing.seconds += time.process_time() - began
            return self._file.write(content)

    with tempfile.TemporaryDirectory() as directory:
        plan = load_plan(GRID, Path(directory))
        cell = Cell.model_validate(plan.points[0].cell)
        if len(sys.argv) > 1:
            cell = cell.model_copy(update={"train": cell.train.model_copy(update={"steps": int(sys.argv[1])})})
        store = Store(Path(directory), plan.name)
        entry = store.cell(cell.id)
        entry.write_settings(CellSettings(id=cell.id, cell=cell.model_dump(mode="json")))
        entry.begin_attempt(Environment(device="cpu"))
        began = time.process_time()
        with (
            mock.patch.object(checkpoint, "_Hashing", Hashing),
            mock.patch.object(executed, "artefacts", sealing(executed.artefacts)),
            mock.patch.object(record, "sealed", sealing(record.sealed)),
        ):
            common: dict[str, Any] = {"data_cache": store.data_cache, "device": "cpu", "stop": lambda: False}
            executed.run_cell(cell, entry, warmup=None, attempt=1, **common)
        whole = time.process_time() - began
        found = entry.result()
        assert found is not None
        files, size = len(found.artefacts), sum(found.sizes.values())
    print(f"{cell.train.steps} steps, {files} files of {size / 1e6:.1f} MB: {whole:.1f} s of processor time")
    print(f"sealing: {sealing.seconds:.3f} s, {100 * sealing.seconds / whole:.2f} %")


if __name__ == "__main__":
    main()
