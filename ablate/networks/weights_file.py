"""Files of published weights: where they lie, whether they are the right ones, and how to get them."""

from __future__ import annotations

import hashlib
import os
import secrets
import urllib.request
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path

from ablate.late_torch import Tensor, torch
from ablate.registry import AbsentError

_TIMEOUT_SECONDS = 30
_CHUNK = 1 << 20


@dataclass(frozen=True)
class WeightsFile:
    """A file of published weights.

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
        """Returns where the file lies; nothing is downloaded.

        Raises:
            AbsentError: if it is not there; says where it is looked for and how to get it.
        """
        named = os.environ.get(self.variable)
        path = Path(named) if named else self._cached()
        if not path.is_file():
            other = f"as {self.variable} names it" if named else f"and {self.variable} names no other"
            raise AbsentError(
                f"the weights {self.name} are absent: there is no file {path}, {other}. Nothing is downloaded while "
                f"training; fetch {self.url} to that place"
            )
        return path

    def load(self, path: str | Path | None = None, *, download: bool = False) -> dict[str, Tensor]:
        """Returns the weights by name, on the CPU, once the file's sha256 is right.

        Args:
            path: the file; by default where `find` finds it.
            download: whether a file that neither `path` nor the variable names is fetched into the cache.

        Raises:
            ValueError: if the file is absent, cannot be downloaded, or is another one.
        """
        if path is not None:
            place = Path(path)
            if not place.is_file():
                raise ValueError(f"the weights {self.name} are absent: there is no file {place}")
        elif download and self.variable not in os.environ and not self._cached().is_file():
            place = self._download()
        else:
            place = self.find()
        with place.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
            if not found.startswith(self.sha256):
                raise ValueError(
                    f"{place} has the sha256 {found}; {self.name} begins with {self.sha256}: it is cut short, damaged "
                    "or another file"
                )
            file.seek(0)
            weights: dict[str, Tensor] = torch.load(file, weights_only=True, map_location="cpu")
        return weights

    def _cached(self) -> Path:
        return Path(torch.hub.get_dir(), "checkpoints", self.name)

    def _download(self) -> Path:
        """Fetches the file beside its place in the cache and moves it there only once its sha256 is right."""
        place = self._cached()
        place.parent.mkdir(parents=True, exist_ok=True)
        temporary = place.with_name(f".{self.name}.{os.getpid()}-{secrets.token_hex(4)}.part")
        digest = hashlib.sha256()
        try:
            with urllib.request.urlopen(self.url, timeout=_TIMEOUT_SECONDS) as answer, temporary.open("xb") as file:
                while chunk := answer.read(_CHUNK):
                    digest.update(chunk)
                    file.write(chunk)
            if not digest.hexdigest().startswith(self.sha256):
                raise ValueError(
                    f"{self.url} sent a file with the sha256 {digest.hexdigest()} where {self.sha256} is expected; "
                    "nothing of it was kept"
                )
            temporary.replace(place)
        except (OSError, HTTPException) as error:  # URLError is among these
            raise ValueError(
                f"the weights {self.name} are absent and cannot be downloaded ({error}): fetch {self.url} to {place}, "
                f"or name the file in {self.variable}"
            ) from error
        finally:
            temporary.unlink(missing_ok=True)
        return place
