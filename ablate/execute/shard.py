"""A shard: one of several parts of a grid's cells, the same on every machine."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True)
class Shard:
    """The cells of a grid whose id has a certain remainder; a grid that grows leaves every cell in its shard."""

    number: int
    """From 1."""
    of: int

    @classmethod
    def read(cls, text: str) -> Self:
        """Reads 2/8, the second of eight.

        Raises:
            ValueError: for what is no such pair.
        """
        found = re.fullmatch(r"\s*(\d+)\s*/\s*(\d+)\s*", text)
        if not found or not 1 <= int(found[1]) <= int(found[2]):
            raise ValueError(f"--shard {text!r} is no shard; 2/8 is the second of eight, from 1/8 to 8/8")
        return cls(int(found[1]), int(found[2]))

    def __contains__(self, cell_id: str) -> bool:
        return int(cell_id, 16) % self.of == self.number - 1
