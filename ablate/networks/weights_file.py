"""Files of published weights: where they lie, and whether they are the right ones."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor


@dataclass(frozen=True)
class WeightsFile:
    """A file of published weights that a user brings along; nothing is ever downloaded here.

    Attributes:
        name: what it is called in the folder `checkpoints` of torch.hub's cache.
        sha256: the hex digits that its sha256 begins with.
        variable: the environment variable that names it where it lies elsewhere.
        url: where it is published.
    """

    name: str
    sha256: str
    variable: str
    url: str

    def find(self) -> Path:
        """Returns where the file lies.

        Raises:
            ValueError: if it is not there; says where it is looked for and how to get it.
        """
        named = os.environ.get(self.variable)
        path = Path(named) if named else Path(torch.hub.get_dir(), "checkpoints", self.name)
        if not path.is_file():
            other = f"as {self.variable} names it" if named else f"and {self.variable} names no other"
            raise ValueError(
                f"the weights {self.name} are absent: there is no file {path}, {other}. Nothing is downloaded while "
                f"training; fetch {self.url} to that place"
            )
        return path

    def load(self) -> dict[str, Tensor]:
        """Returns the weights by name, on the CPU.

        Raises:
            ValueError: if the file is absent or another one.
        """
        path = self.find()
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
            if not found.startswith(self.sha256):
                raise ValueError(f"{path} has the sha256 {found}; {self.name} begins with {self.sha256}")
            file.seek(0)
            weights: dict[str, Tensor] = torch.load(file, weights_only=True, map_location="cpu")
        return weights
