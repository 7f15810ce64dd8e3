"""What a selective codec makes of a region with the rest of the image and without: python -m tests.bench.kept_region.

For every selective cell of a store and each test image: the PSNR of the kept region where that alone is
sent and where everything is, the PSNR between the two reconstructions there, that of the rest, and the bytes of both
files.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ablate.codecs.codec import NOTHING, Side
from ablate.config import Cell
from ablate.data import prepare
from ablate.data.regions import draw
from ablate.evaluate.features import as_tensor
from ablate.metrics import psnr
from ablate.rng import stream
from ablate.store import Store
from ablate.store.weights import load


def found(store: Store, weights: Any) -> Iterator[dict[str, Any]]:
    """Yields what is measured of each selective cell and test image."""
    for entry in map(store.cell, sorted(path.name for path in (store.path / "cells").iterdir())):
        settings = entry.cell_settings()
        assert settings is not None, f"{entry.path} is no cell"
        cell = Cell.model_validate(settings.cell)
        if cell.model.selective == "none" or cell.evaluation.kept == "all":
            continue
        codec, images = load(entry, weights), prepare(cell.data, "test", store.data_cache)
        for index, name in enumerate(images.names):
            original = as_tensor(images[index])
            planes = as_tensor(images.maps[index]) if images.maps else None
            side = NOTHING if planes is None else Side(planes[:1])
            random = stream(0, f"evaluation.kept.{name}")
            region = draw(cell.evaluation.kept, images.shapes[index], planes, random)
            files = codec.encode(original, side, region), codec.encode(original, side)
            part, whole = (codec.decode(file) for file in files)
            pairs = {"kept, alone": (original, part), "kept, all": (original, whole), "between": (part, whole)}
            figures = {key: float(psnr(a[None], b[None], region)) for key, (a, b) in pairs.items()}
            figures["rest, alone"] = float(psnr(original[None], part[None], ~region))
            figures["rest, all"] = float(psnr(original[None], whole[None], ~region))
            share = float(region.float().mean())
            yield {"cell": settings.label, "image": name, "share": share, **figures, "bytes": [len(f) for f in files]}


def main() -> None:
    """Prints a table, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs-dir", type=Path, default=Path("runs"))
    parser.add_argument("--grid", default="modes")
    parser.add_argument("--weights", default="ema", choices=["ema", "raw"])
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    for row in found(Store(given.runs_dir, given.grid), given.weights):
        if given.json:
            print(json.dumps(row))
            continue
        told = ", ".join(f"{key} {value:.2f}" for key, value in row.items() if isinstance(value, float))
        print(f"{row['cell']}, {row['image']}: {told}, bytes {' and '.join(map(str, row['bytes']))}")


if __name__ == "__main__":
    main()
