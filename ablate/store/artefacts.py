"""Hashes and sizes of the files that an entry leaves beside its record, for the record to hold."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from ablate.atomic import TEMPORARY

RECORD = "result.json"
IMAGES = "eval/images.csv"
NOT_SEALED = ("lock", "lock.lease-", "cancel", RECORD, "checkpoint.")
"""How files at the top of an entry begin that change or go once it is finished."""
OWN_RECORDS = ("measurements", "evaluations")
"""Directories of an entry whose own records hold the hashes."""
MEASURED = ("cell.json", "eval")
"""What a measurement leaves beside its record, in a directory that may be the user's own."""
CHUNK = 1 << 20


def artefacts(directory: Path, *, within: Collection[str] | None = None) -> dict[str, Any]:
    """Returns sha256 and bytes of every file that an entry left, by relative path, as a result keeps them.

    How the last attempt ends is told after the result: its exit.json, which is sealed itself, and its log.txt, of which
    that one holds the hash. Where `within` is given, only these files and directories at the top count: a user may have
    others beside them.
    """
    named = {str(path.relative_to(directory)): path for path in _files(directory)}
    found = {name: path for name, path in named.items() if within is None or name.split("/")[0] in within}
    return {
        "artefacts": {name: sha256(path) for name, path in found.items()},
        "sizes": {name: path.stat().st_size for name, path in found.items()},
    }


def sha256(path: Path, count: int | None = None) -> str:
    """Returns the sha256 of a file, or of its first bytes, without holding it in memory."""
    with path.open("rb") as file:
        if count is None:
            return hashlib.file_digest(file, "sha256").hexdigest()
        digest = hashlib.sha256()
        while count > 0 and (chunk := file.read(min(count, CHUNK))):
            digest.update(chunk)
            count -= len(chunk)
    return digest.hexdigest()


def _files(directory: Path) -> Iterator[Path]:
    attempts = sorted(path.name for path in directory.glob("attempts/*"))
    last = {str(Path("attempts", attempts[-1], name)) for name in ("exit.json", "log.txt")} if attempts else set()
    for parent, directories, names in os.walk(directory):
        at_top = Path(parent) == directory
        directories[:] = sorted(name for name in directories if not (at_top and name in OWN_RECORDS))
        for name in sorted(names):
            path = Path(parent, name)
            left_out = (at_top and name.startswith(NOT_SEALED)) or str(path.relative_to(directory)) in last
            if not left_out and not name.endswith(TEMPORARY) and path.is_file():
                yield path
