"""States of an unfinished training: each file ends with a hash of its bytes and of the entry that it belongs to."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from ablate.atomic import write_with
from ablate.records import Damage, DamageKind
from ablate.store.artefacts import CHUNK
from ablate.store.entry import Entry

MARK = b"\nsha256 of the bytes before and of the entry's id: "
"""Stands between the state and its hash; a file without it is from before 0.2, or was cut."""
TRAILER_BYTES = len(MARK) + 64 + 1
ARCHIVE_ENDS, END_BYTES = b"PK\x05\x06", 22
"""Record that a zip archive, as torch writes one, ends with."""
DAMAGED = "checkpoint.damaged.pt"
REMEDY = "the training goes on from an earlier one, or begins again"


def save(entry: Entry, writer: Callable[[BinaryIO], object]) -> None:
    """Replaces the checkpoint of an entry, and keeps the one before as the earlier.

    Raises:
        OSError: where the disk is full; both are as before or one is kept twice.
    """
    _keep(entry)
    write_with(entry.checkpoint, lambda file: _write(file, writer, entry.path.name))


def damage(path: Path, name: str) -> Damage | None:
    """Returns what is wrong with a checkpoint of the entry of that name; None where nothing is, or it has no hash."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        left = os.fstat(file.fileno()).st_size - TRAILER_BYTES
        while left > 0 and (chunk := file.read(min(left, CHUNK))):
            digest.update(chunk)
            left -= len(chunk)
        trailer = file.read()
    found = trailer.removeprefix(MARK).strip().decode(errors="replace")
    if not trailer.startswith(MARK):
        # Before 0.2 the file ended with the archive itself.
        whole = trailer[-END_BYTES:].startswith(ARCHIVE_ENDS)
        return None if whole else Damage(path, DamageKind.cut, "it has no end", REMEDY)
    digest.update(name.encode())
    if digest.hexdigest() == found:
        return None
    detail = f"its bytes are not those that {name} saved"
    return Damage(path, DamageKind.edited, detail, REMEDY)


def set_aside(path: Path) -> None:
    """Renames a damaged checkpoint, so that it is neither resumed nor kept as the earlier one."""
    os.replace(path, path.with_name(DAMAGED))


def drop(entry: Entry) -> None:
    """Deletes all checkpoints of an entry."""
    for path in entry.path.glob("checkpoint.*"):
        path.unlink(missing_ok=True)


class _Hashing:
    """A file that is written, and hashed on the way."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.digest = hashlib.sha256()

    def write(self, content: Any) -> int:
        self.digest.update(content)
        return self._file.write(content)

    def flush(self) -> None:
        self._file.flush()


def _write(file: BinaryIO, writer: Callable[[BinaryIO], object], name: str) -> None:
    hashing = _Hashing(file)
    writer(hashing)  # type: ignore[arg-type]
    hashing.digest.update(name.encode())
    file.write(MARK + hashing.digest.hexdigest().encode() + b"\n")


def _keep(entry: Entry) -> None:
    """Gives the checkpoint a second name, so that it outlives the next one."""
    linked = entry.earlier_checkpoint.with_suffix(".link")
    with suppress(FileNotFoundError):
        linked.unlink(missing_ok=True)
        try:
            os.link(entry.checkpoint, linked)
        except PermissionError:  # a file system without links
            return
        os.replace(linked, entry.earlier_checkpoint)
