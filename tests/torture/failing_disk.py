"""A disk that is full from the n-th write on, or that fails the n-th write alone, for one directory of this process.

Making, opening for writing, writing, truncating, renaming and syncing count. What C code writes by itself does not:
of NumPy's files the header counts.
"""

from __future__ import annotations

import builtins
import errno
import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

_WRITING = set("wxa+")


class Disk:
    """Counts the writes below a directory, and refuses those that it shall."""

    def __init__(self, root: str, full_from: int | None, failing: int | None) -> None:
        self.root = os.path.realpath(root)
        self.full_from, self.failing, self.count = full_from, failing, 0

    def write(self, file: Any) -> None:
        """Counts a write to a path or descriptor.

        Raises:
            OSError: ENOSPC where the disk is full, EIO where this one fails.
        """
        place = f"/proc/self/fd/{file}" if isinstance(file, int) else os.fspath(file)
        place = place.decode() if isinstance(place, bytes) else place
        if os.path.realpath(place).startswith(self.root):
            self.count += 1
            if self.full_from is not None and self.count > self.full_from:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), place)
            if self.failing is not None and self.count == self.failing + 1:
                raise OSError(errno.EIO, os.strerror(errno.EIO), place)


def install(root: str, count_file: str, full_from: int | None = None, failing: int | None = None) -> None:
    """Puts the disk in place for the rest of this process; the writes are counted into a file elsewhere."""
    disk = Disk(root, full_from, failing)
    plain_open, plain_exit = builtins.open, os._exit

    class Raw(io.FileIO):
        def write(self, content: Any) -> int:
            disk.write(self.fileno())
            return super().write(content)

    def opened(file: Any, mode: str = "r", buffering: int = -1, *arguments: Any, **options: Any) -> Any:
        if not _WRITING & set(mode):
            return plain_open(file, mode, buffering, *arguments, **options)
        if not isinstance(file, int):
            disk.write(file)
        raw = Raw(file, mode.replace("b", "").replace("t", ""), closefd=options.pop("closefd", True))
        if buffering == 0:
            return raw
        buffered = io.BufferedRandom(raw) if "+" in mode else io.BufferedWriter(raw)
        return buffered if "b" in mode else io.TextIOWrapper(buffered, line_buffering=buffering == 1, **options)

    def counting(plain: Callable[..., Any]) -> Callable[..., Any]:
        def counted(file: Any, *arguments: Any, **options: Any) -> Any:
            disk.write(file)
            return plain(file, *arguments, **options)

        return counted

    def opened_descriptor(path: Any, flags: int, *arguments: Any, **options: Any) -> int:
        if flags & os.O_CREAT:
            disk.write(path)
        return plain_descriptor(path, flags, *arguments, **options)

    def exited(code: int) -> None:
        Path(count_file).write_bytes(str(disk.count).encode())
        plain_exit(code)

    plain_descriptor = os.open
    builtins.open = io.open = opened  # type: ignore[assignment]
    os.open, os._exit = opened_descriptor, exited  # type: ignore[assignment]
    for name in ("write", "pwrite", "mkdir", "ftruncate", "replace", "rename", "fsync"):
        setattr(os, name, counting(getattr(os, name)))
