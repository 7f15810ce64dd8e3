"""The weights that a codec starts from: of a file, whose sha256 is a setting, or of another cell of the store."""

from __future__ import annotations

import hashlib
import io
import pickle
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from ablate.config import Start
from ablate.records import Status
from ablate.registry import AbsentError
from ablate.store import Entry

Weights = Mapping[str, Tensor]
SHOWN = 8
"""So many differences are listed; more are counted."""


class Given(NamedTuple):
    """Weights to start from, raw and averaged, and where they are from."""

    codec: Weights
    average: Weights
    source: str


def given_weights(start: Start, origin: Entry | None) -> Given:
    """Returns the weights that settings name.

    Args:
        start: names a file with its sha256, or a cell.
        origin: the entry of that cell.

    Raises:
        ValueError: for a file that is absent, another one or of no known form, and for a cell without final weights.
    """
    if origin is not None:
        result = origin.result()
        if result is None or result.status is not Status.done:
            status = result.status if result else origin.status()
            raise ValueError(
                f"train.start.cell = {origin.id!r} is {status.value} in this store, and only a cell that is done has "
                "weights"
            )
        saved = torch.load(origin.weights, weights_only=True, map_location="cpu")
        return Given(saved["codec"], saved["average"], f"the cell {origin.id}")
    assert start.file is not None
    path = Path(start.file)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ValueError(f"train.start.file = {start.file!r} cannot be read: {error.strerror}") from error
    found = hashlib.sha256(content).hexdigest()
    if found != start.sha256:
        raise ValueError(f"{path} has the sha256 {found}, and train.start.sha256 is {start.sha256}")
    saved = _read(path, content)
    codec = saved.get("codec", saved)
    average = saved.get("average", codec)
    for weights in (codec, average):
        if not isinstance(weights, Mapping) or not all(isinstance(each, Tensor) for each in weights.values()):
            raise ValueError(f"{path} holds other things than tensors by name")
    return Given(codec, average, str(path))


def _read(path: Path, content: bytes) -> Mapping[str, Any]:
    """Returns weights by name, or what `ablate` writes of a cell: such weights of "codec" and "average".

    Raises:
        ValueError: for a file of another form.
    """
    try:
        if path.suffix == ".safetensors":
            found: Any = _safetensors(path)(content)
        else:
            found = torch.load(io.BytesIO(content), weights_only=True, map_location="cpu")
    except (RuntimeError, ValueError, EOFError, pickle.UnpicklingError) as error:
        why = (str(error) or type(error).__name__).splitlines()[0]
        raise ValueError(f"{path} cannot be read as weights: {why}") from error
    if not isinstance(found, Mapping):
        raise ValueError(f"{path} holds no weights by name")
    return found


def _safetensors(path: Path) -> Callable[[bytes], Mapping[str, Tensor]]:
    try:
        from safetensors import SafetensorError
        from safetensors.torch import load
    except ModuleNotFoundError as error:
        raise AbsentError(f"{path} takes the package safetensors: pip install safetensors") from error

    def read(content: bytes) -> Mapping[str, Tensor]:
        try:
            return load(content)
        except SafetensorError as error:
            raise ValueError(str(error)) from error

    return read


def require_same_shapes(module: nn.Module, weights: Weights, source: str) -> None:
    """Refuses weights that are not those of a module.

    Raises:
        ValueError: with a list of what is missing, too much, or of another shape.
    """
    own = module.state_dict()
    differing = [f"{name} is missing" for name in own if name not in weights]
    differing += [f"{name} is not in this codec" for name in weights if name not in own]
    differing += [
        f"{name} is {tuple(weights[name].shape)}, and {tuple(own[name].shape)} in this codec"
        for name in own
        if name in weights and weights[name].shape != own[name].shape
    ]
    if differing:
        more = f"\n  and {len(differing) - SHOWN} more" if len(differing) > SHOWN else ""
        listed = "\n  ".join(differing[:SHOWN])
        raise ValueError(f"{source} holds no weights of this codec (train.start):\n  {listed}{more}")
