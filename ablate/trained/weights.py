"""The weights that a cell has left: read back, checked, and named by what they compute."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import torch

from ablate.codecs.agustsson.bitstream import MODEL_BYTES
from ablate.codecs.agustsson.codec import Codec
from ablate.config import Cell, identity
from ablate.records import WEIGHTS as WEIGHTS
from ablate.records import Result, Status
from ablate.records import Weights as Weights
from ablate.store import Entry
from ablate.trained.codec import TrainedCodec

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
    if settings is None:
        raise ValueError(f"{entry.path} holds no cell: there is no cell.json")
    if result is None or result.status is not Status.done:
        status = (result.status if result else entry.status()).value
        raise ValueError(
            f"cell {settings.name} is {status} and has no final weights; only a cell that is done has some"
        )
    cell = Cell.model_validate(settings.cell)
    with torch.device("meta"):
        codec = Codec(cell.model)
    codec.load_state_dict(_read(entry, result)[_PARTS[weights]], assign=True)
    if cell.train.channels_last:  # other kernels compute the last bit otherwise
        codec.to(memory_format=torch.channels_last)
    return TrainedCodec(cell, codec.to(device).eval().requires_grad_(False), model_id(cell, codec), device)


def model_id(cell: Cell, codec: Codec) -> bytes:
    """Returns what names a codec in its files: the beginning of a hash over shape, weights and the noise's seed."""
    told = {"model": identity(cell.model), "noise": cell.seed if cell.model.noise else None}
    digest = hashlib.sha256(json.dumps(told, sort_keys=True).encode())
    for name, tensor in sorted(codec.state_dict().items()):
        plain = tensor.detach().cpu().contiguous()
        digest.update(f"{name} {plain.dtype} {tuple(plain.shape)}".encode())
        digest.update(plain.numpy().tobytes())
    return digest.digest()[:MODEL_BYTES]


def _read(entry: Entry, result: Result) -> dict[str, Any]:
    """Returns the state dicts in weights.pt, once every byte is what it was when the cell was committed."""
    try:
        with entry.weights.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError as error:
        raise ValueError(
            f"{entry.weights} is missing, though its cell is done; copy it back, or run it anew"
        ) from error
    expected = result.artefacts[entry.weights.name]
    if found != expected:
        raise ValueError(f"{entry.weights} is altered: its sha256 is {found[:12]}…, result.json says {expected[:12]}…")
    return torch.load(entry.weights, weights_only=True, map_location="cpu")
