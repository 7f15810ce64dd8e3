"""The weights that a cell has left: read back and checked."""

from __future__ import annotations

import hashlib
from typing import Any

import torch

from ablate.codecs.build import restore_codec
from ablate.codecs.catalogue import codecs
from ablate.codecs.trained import TrainedCodec
from ablate.config import Cell, Term
from ablate.records import Result, Status, Weights
from ablate.store.entry import Entry
from ablate.store.plugins import DIRECTORY, of_settings, offer
from ablate.store.seal import require_whole

_PARTS = {"ema": "average", "raw": "codec"}


def load(entry: Entry, weights: Weights, device: str = "cpu") -> TrainedCodec:
    """Returns the codec of a finished cell, in evaluation mode.

    Raises:
        ValueError: where the cell is unfinished, has diverged, or its weights are not those that were committed; for
            "cuda" without such a device.
    """
    if device.startswith("cuda") and not torch.cuda.is_available():
        raise ValueError(f"there is no device {device} on this machine, or no driver for it; cpu is always there")
    settings, result = entry.cell_settings(), entry.result()
    if result is not None:
        require_whole(entry, result, ("cell.json",))
    if settings is None:
        raise ValueError(f"{entry.path} holds no cell: there is no cell.json")
    if result is None or result.status is not Status.done:
        status, name = (result.status if result else entry.status()).value, f"cell {settings.name}"
        raise ValueError(f"{name} is {status} and has no final weights; only a cell that is done has some")
    offer(of_settings(entry.path.parent.parent, settings.cell))
    cell = Cell.model_validate(settings.cell)
    _require_same_code(entry, cell.model.codec)
    codec = restore_codec(cell.model, _read(entry, result)[_PARTS[weights]])
    if cell.train.channels_last:  # other kernels compute the last bit otherwise
        codec.to(memory_format=torch.channels_last)
    return TrainedCodec.of(codec.to(device).requires_grad_(False), cell.model, cell.seed, device)


def _require_same_code(entry: Entry, codec: Term) -> None:
    if codecs[codec.name].defined_by != codec.defined_by:
        copies = entry.path.parent.parent / DIRECTORY
        raise ValueError(
            f"the codec {codec.name} is defined by other code now than that which {entry.path.name} was trained with "
            f"({codec.defined_by[:12]}…); it is kept in {copies}: put that file back to use the cell"
        )


def require_weights(entry: Entry, result: Result) -> None:
    """Hashes the weights of a finished cell or warm-up, whose results have named their hash from the beginning.

    Raises:
        ValueError: where they are not those that were committed.
    """
    try:
        with entry.weights.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError as error:
        raise ValueError(
            f"{entry.weights} is missing, though its cell is done; copy it back, or run it anew"
        ) from error
    expected = result.artefacts.get(entry.weights.name, "nothing")
    if found != expected:
        raise ValueError(f"{entry.weights} is altered: its sha256 is {found[:12]}…, result.json says {expected[:12]}…")


def _read(entry: Entry, result: Result) -> dict[str, Any]:
    """Returns the state dicts in weights.pt, once every byte is what it was when the cell was committed."""
    require_weights(entry, result)
    return torch.load(entry.weights, weights_only=True, map_location="cpu")
