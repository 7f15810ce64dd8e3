"""A codec with its final weights: images to files and back."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor

from ablate.codecs.codec import NOTHING, Side, Symbols, TrainableCodec
from ablate.codecs.container import MODEL_BYTES, Opened, opened, seal
from ablate.codecs.settings import Model
from ablate.codecs.side import blocks_of, fields_of, side_of
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

    def encode(self, image: Tensor, side: Side = NOTHING, region: Tensor | None = None) -> bytes:
        """Returns the file of an image, uint8 (3, H, W), of any size; of `side` it holds what the networks take.

        Args:
            image: to be coded.
            side: its label map.
            region: bool (H, W); a selective codec sends the blocks that hold a pixel of it, and all without one.

        Raises:
            ValueError: where the networks take side information that is not there, or does not fit the image.
        """
        taken = Side(self._labels(side, image), self._kept(region, image))
        with self._exactly():
            content = self.networks.encode(image, *([taken] if taken.given else []))
        return seal(content, self.model_id, fields_of(taken))

    def _labels(self, side: Side, image: Tensor) -> Tensor | None:
        if not self.networks.takes_labels:
            return None
        if side.labels is None:
            raise ValueError("this codec's generator is given label maps (model.map_classes), and there is none")
        if side.labels.shape[1:] != image.shape[1:]:
            sizes = ("x".join(map(str, each.shape[1:])) for each in (image, side.labels))
            raise ValueError("the image is {} pixels and its label map {}: they must be equal".format(*sizes))
        return side.labels

    def _kept(self, region: Tensor | None, image: Tensor) -> Tensor | None:
        if not self.networks.takes_mask:
            return None
        region = torch.ones(image.shape[1:], dtype=torch.bool) if region is None else region
        if region.shape != image.shape[1:]:
            sizes = ("x".join(map(str, each)) for each in (image.shape[1:], region.shape))
            raise ValueError("the image is {} pixels and its mask {}: they must be equal".format(*sizes))
        return blocks_of(region[None], self.networks.stride)

    def decode(self, file: bytes) -> Tensor:
        """Returns the image, uint8 (3, H, W), of a file that `encode` made.

        Raises:
            WrongModelError: for a file of other weights.
            ValueError: for a file that is truncated, altered or none of this codec.
        """
        found = self._opened(file)
        side = self._side(found)
        with self._exactly():
            # Each image has the same noise: what a file means may not depend on what was read before it.
            random = stream(self.seed, "evaluation.noise")
            return self.networks.decode(found.content, random, *([side] if found.fields else []))

    def symbols(self, file: bytes) -> Symbols | None:
        """Returns the symbols that a file holds, None where it holds none of a few levels; raises as `decode`."""
        found = self._opened(file)
        return self.networks.symbols(found.content, *([self._side(found)] if found.fields else []))

    def _side(self, found: Opened) -> Side:
        side, networks = side_of(found.fields), self.networks
        if (side.labels is not None, side.kept is not None) != (networks.takes_labels, networks.takes_mask):
            raise ValueError("the file's side information is none of this codec")
        return side

    def _opened(self, file: bytes) -> Opened:
        found = opened(file)
        if found.model != self.model_id:
            raise WrongModelError(
                f"the file was written by the model {found.model.hex()}, and this is the model {self.model_id.hex()}"
            )
        return found

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
