"""Cells with weights that nobody trained, in a store as a training leaves them."""

from __future__ import annotations

import hashlib
from pathlib import Path

import torch

from ablate.atomic import write_with
from ablate.codecs.build import build_codec
from ablate.config import Cell, Data, Model, Train
from ablate.data import resolve
from ablate.records import CellSettings, Result
from ablate.sources.segmentation import CLASSES
from ablate.store import Entry, Store


def tiny_cell(noise: bool = False, seed: int = 0, levels: int = 5, channels_last: bool = False) -> Cell:
    """Returns a cell of a few thousand weights on scikit-image's photographs."""
    model = Model(
        channels=2, width=4, downsamplings=2, residual_blocks=1, norm="channel", latent_norm="none",
        noise=noise, noise_channels=8, quantizer={"levels": levels},
    )  # fmt: skip
    return Cell(data=resolve(Data(), Path()), model=model, train=Train(channels_last=channels_last), seed=seed)


def guided_cell(maps: str) -> Cell:
    """Returns such a cell whose generator is given label maps, which lie there or are made of the images."""
    cell = tiny_cell()
    model = cell.model.model_copy(update={"map_classes": CLASSES})
    return cell.model_copy(update={"model": model, "data": cell.data.model_copy(update={"maps": maps})})


def selective_cell() -> Cell:
    """Returns such a cell that sends a region of an image."""
    cell = tiny_cell()
    return cell.model_copy(update={"model": cell.model.model_copy(update={"selective": "random_box"})})


def commit(
    store: Store, cell: Cell, *, status: str = "done", weights_of: int | None = None, models: bool = True
) -> Entry:
    """Writes cell.json, weights.pt (initial ones, of the seed or of `weights_of`; raw ones larger) and result.json.

    Without `models` the result is one of the days before it named its models.
    """
    from ablate.codecs.trained import model_id

    entry = store.cell(cell.id)
    label = f"tiny seed={cell.seed}"
    entry.write_settings(CellSettings(id=cell.id, label=label, seed=cell.seed, cell=cell.model_dump(mode="json")))
    if status == "pending":
        return entry
    average = build_codec(cell.model, cell.seed if weights_of is None else weights_of)
    raw = build_codec(cell.model, cell.seed if weights_of is None else weights_of)
    with torch.no_grad():
        for parameter in raw.parameters():
            parameter.mul_(1.1)
    result = {"schema": 1, "id": cell.id, "status": status, "step": 1, "cause": None}
    result |= {"seconds": 1.0, "train_seconds": 1.0, "metrics": {"ema": {"psnr": 20.0}}, "artefacts": {}}
    if status == "done":
        parts = {"codec": raw.state_dict(), "average": average.state_dict()}
        write_with(entry.weights, lambda file: torch.save(parts, file))
        result["artefacts"] = {"weights.pt": hashlib.sha256(entry.weights.read_bytes()).hexdigest()}
        if models:
            named = {"ema": average, "raw": raw}
            result["codec"] = {
                "models": {name: model_id(codec, cell.model, cell.seed).hex() for name, codec in named.items()}
            }
    entry.commit(Result.model_validate(result))
    return entry
