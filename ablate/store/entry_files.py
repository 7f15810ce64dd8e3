"""Where the weights, states and measured files of an entry of the store lie."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

NAME_CHARACTERS, NAME_BYTES = 120, 200
"""Part of an image's name that its reconstruction keeps: with hash and suffix, also while written, below 255 bytes."""


@dataclass(frozen=True)
class EntryFiles:
    """The files of a directory of the store that are no records."""

    path: Path

    @property
    def checkpoint(self) -> Path:
        """The last state of an unfinished training."""
        return self.path / "checkpoint.pt"

    @property
    def earlier_checkpoint(self) -> Path:
        """The state before the last one."""
        return self.path / "checkpoint.earlier.pt"

    def checkpoints(self) -> tuple[Path, ...]:
        """Returns the states that are there, the last one first."""
        return tuple(path for path in (self.checkpoint, self.earlier_checkpoint) if path.exists())

    @property
    def weights(self) -> Path:
        """The final weights, raw and averaged."""
        return self.path / "weights.pt"

    @property
    def images_csv(self) -> Path:
        """One row per weights and test image."""
        return self.path / "eval" / "images.csv"

    @property
    def jackknife_csv(self) -> Path:
        """Distances between sets of patches without each test image in turn; before 0.2 it was called without.csv."""
        path, earlier = (self.path / "eval" / name for name in ("jackknife.csv", "without.csv"))
        return earlier if earlier.exists() and not path.exists() else path

    def features(self, weights: str) -> Path:
        """Returns where the features of all patches of the reconstructions lie, float32 (n, d), image after image."""
        return self.path / "eval" / f"features-{weights}.npy"

    def recon(self, weights: str, image: str) -> Path:
        """Returns where the reconstruction of a test image lies; a name that no file may have is made fit, uniquely."""
        fit = re.sub(r"[^\w.-]", "_", image)[:NAME_CHARACTERS].encode()[:NAME_BYTES].decode(errors="ignore")
        if fit != image:
            fit += "-" + hashlib.sha256(image.encode(errors="surrogateescape")).hexdigest()[:8]
        return self._recons(weights) / f"{fit}.png"

    def recons(self, weights: str) -> tuple[Path, ...]:
        """Returns the reconstructions of test images that are there, by name."""
        return tuple(sorted(self._recons(weights).glob("*.png")))

    def _recons(self, weights: str) -> Path:
        return self.path / "eval" / "recon" / weights
