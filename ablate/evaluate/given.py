"""Reconstructions that are there before anything is measured: another codec's, from a folder or by a program."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Given:
    """Reconstructions, uint8 (3, H, W), by the name of their image, and the bytes of its file.

    `sizes` is None where no files are given: then there are no bits.
    """

    reconstruction: Callable[[str], Tensor]
    sizes: Mapping[str, int] | None

    def size(self, image: str) -> int | None:
        """Returns the bytes of an image's file, None where none is given."""
        return None if self.sizes is None else self.sizes[image]
