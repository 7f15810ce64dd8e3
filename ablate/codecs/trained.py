"""A codec with its final weights: images to files and back."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor

from ablate.codecs.codec import Symbols, TrainableCodec
from ablate.codecs.container import MODEL_BYTES, opened, seal
from ablate.codecs.settings import Model
from ablate.networks.exact import exact
from ablate.rng import stream
from ablate.settings import identity


class WrongModelError(ValueError):
    """A file that other weights have written than those that shall read it."""


@dataclass(frozen=True, eq=False)
class TrainedCodec:
    """Networks in float32 and evaluation mode on `device`; `model_id` is what their files name them by.

    All that it does is a function of the weights, the image or file, and the machine: on one machine every bit is
    the same in each process, with any number of threads. Another processor may sum in another order; a file made
    there is read right all the same, since its symbols are whole numbers, and its image differs where a value lay
    on the edge between two levels.
    """

    networks: TrainableCodec
    model_id: bytes
    seed: int
    """Of what decoding draws."""
    device: str = "cpu"

    @classmethod
    def of(cls, networks: TrainableCodec, settings: Model, seed: int, device: str = "cpu") -> TrainedCodec:
        """Puts networks into evaluation mode and names them."""
        return cls(networks.eval(), model_id(networks, settings, seed), seed, device)

    def encode(self, image: Tensor) -> bytes:
        """Returns the file of an image, uint8 (3, H, W), of any size."""
        with self._exactly():
            return seal(self.networks.encode(image), self.model_id)

    def decode(self, file: bytes) -> Tensor:
        """Returns the image, uint8 (3, H, W), of a file that `encode` made.

        Raises:
            WrongModelError: for a file of other weights.
            ValueError: for a file that is truncated, altered or none of this codec.
        """
        content = self._content(file)
        with self._exactly():
            # Each image has the same noise: what a file means may not depend on what was read before it.
            return self.networks.decode(content, stream(self.seed, "evaluation.noise"))

    def symbols(self, file: bytes) -> Symbols | None:
        """Returns the symbols that a file holds, None where it holds none of a few levels; raises as `decode`."""
        return self.networks.symbols(self._content(file))

    def _content(self, file: bytes) -> bytes:
        model, content = opened(file)
        if model != self.model_id:
            raise WrongModelError(
                f"the file was written by the model {model.hex()}, and this is the model {self.model_id.hex()}"
            )
        return content

    @contextmanager
    def _exactly(self) -> Iterator[None]:
        with torch.inference_mode(), exact(torch.device(self.device)):
            yield


def model_id(networks: TrainableCodec, settings: Model, seed: int) -> bytes:
    """Returns what names a codec in its files: the beginning of a hash over shape, weights and the noise's seed."""
    told = {"model": identity(settings), "noise": seed if networks.noisy else None}
    digest = hashlib.sha256(json.dumps(told, sort_keys=True).encode())
    for name, tensor in sorted(networks.state_dict().items()):
        plain = tensor.detach().cpu().contiguous()
        digest.update(f"{name} {plain.dtype} {tuple(plain.shape)}".encode())
        digest.update(plain.numpy().tobytes())
    return digest.digest()[:MODEL_BYTES]


def model_ids(codecs: Mapping[str, TrainedCodec]) -> dict[str, str]:
    """Returns the ids of codecs by their names, in hex digits, as results record them."""
    return {name: codec.model_id.hex() for name, codec in codecs.items()}
