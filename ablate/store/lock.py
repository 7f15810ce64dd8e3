"""One writer at a time for an entry of the store: a lock that the kernel frees when its holder dies."""

from __future__ import annotations

import fcntl
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PROBE_SECONDS = 0.02
"""How long to wait before asking again for a lock that was held: a reader that asks `held` holds it for an instant."""


class Busy(Exception):  # noqa: N818 - a state of the entry, not a mistake
    """Another process holds the entry; the message says which."""


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Holds the lock of `path` for the block.

    Raises:
        Busy: where another process holds it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        if not (_try(descriptor) or _try_again(descriptor)):
            raise Busy(f"{path} is held by {path.read_text().strip() or 'another process'}")
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{socket.gethostname()} {os.getpid()} {time.time():.0f}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def one_at_a_time(directory: Path) -> Iterator[None]:
    """Waits for the lock of a directory itself, and holds it for the block; leaves no file behind.

    Raises:
        ValueError: where the file system has no such locks.
    """
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        except OSError as error:
            raise ValueError(f"the file system of {directory} has no locks ({error.strerror})") from error
        yield
    finally:
        os.close(descriptor)


def held(path: Path) -> bool:
    """Says whether some process holds the lock; creates nothing."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except (FileNotFoundError, NotADirectoryError):
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _try(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _try_again(descriptor: int) -> bool:
    time.sleep(PROBE_SECONDS)
    return _try(descriptor)
