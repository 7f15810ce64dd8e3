"""Hashes of the files that an entry leaves beside its records."""

from __future__ import annotations

import hashlib
from pathlib import Path


def file_hashes(directory: Path) -> dict[str, str]:
    """Returns the sha256 of an entry's weights and of all that an evaluation left, by relative path."""
    files = [directory / "weights.pt", *sorted(directory.glob("eval/**/*.*"))]
    return {
        str(file.relative_to(directory)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in files
        if file.is_file()
    }
