"""Writes whole files or none: beside, fsync, rename, fsync of the directory."""

from __future__ import annotations

import errno
import glob
import json
import os
import secrets
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

TEMPORARY = ".tmp"
"""How the name of a file ends that is being written; one that nobody writes any more may be deleted."""
LEFT_SECONDS = 3600.0
"""Age of a file that is being written, after which its writer is taken for dead."""


def write_with(path: Path, writer: Callable[[BinaryIO], object]) -> None:
    """Replaces `path` by what `writer` writes into the open file it is given.

    A reader sees the old content or the new, never a part, also after a kill or a loss of power. The parent
    directories are made, and a file that stands there keeps its mode. What a killed writer of it left is deleted.

    Raises:
        OSError: where the disk is full or not writable; `path` is as before and nothing is left beside it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # Two processes may write one file at once (plan.json), so each writes beside it under a name of its own.
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}{TEMPORARY}")
    try:
        with open(temporary, "xb") as file:
            writer(file)
            if (mode := _mode(path)) is not None:
                os.fchmod(file.fileno(), mode)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sweep_beside(path)
    fsync_directory(path.parent)


def _mode(path: Path) -> int | None:
    """Returns the mode of a file that is to be replaced; None where none is, or a link that leads nowhere."""
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except OSError as error:
        if error.errno not in (errno.ENOENT, errno.ELOOP):
            raise
        return None


def _sweep_beside(path: Path) -> None:
    """Deletes what writers of a file left more than an hour before it was written, by the file system's clock."""
    for left in path.parent.glob(f".{glob.escape(path.name)}.*{TEMPORARY}"):
        with suppress(FileNotFoundError):
            if path.stat().st_mtime - left.stat().st_mtime > LEFT_SECONDS:
                left.unlink()


def write_bytes(path: Path, content: bytes) -> None:
    """Replaces `path` by `content`, whole or not at all."""
    write_with(path, lambda file: file.write(content))


def write_json(path: Path, content: Any) -> None:
    """Replaces `path` by `content` as indented JSON, whole or not at all.

    Raises:
        ValueError: for a number that JSON does not know (nan, inf).
    """
    write_bytes(path, (json.dumps(content, indent=1, allow_nan=False) + "\n").encode())


def fsync_directory(path: Path) -> None:
    """Makes the names in a directory durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_json(path: Path) -> Any | None:
    """Returns the content of a JSON file, or None where there is none.

    Raises:
        ValueError: where the file is not JSON, or is JSON's null, with its path.
    """
    try:
        content = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:
        found = json.loads(content)
    except ValueError as error:
        raise ValueError(f"{path} is not JSON ({error}); it was changed by hand or by the disk") from error
    if found is None:
        raise ValueError(f"{path} holds nothing but null; it was changed by hand or by the disk")
    return found


def sweep(directory: Path) -> None:
    """Deletes what killed writers left in a directory tree; only for one who holds its lock."""
    for path in directory.rglob(f".*{TEMPORARY}"):
        path.unlink(missing_ok=True)
