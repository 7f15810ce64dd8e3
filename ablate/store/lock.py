"""One writer at a time for an entry of the store: a lock that the kernel frees when its holder dies.

Where a file system's locks cannot be trusted, a lease takes their place.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ablate.atomic import TEMPORARY
from ablate.records import ForeignError
from ablate.store import lease
from ablate.store.lease import Busy

PROBE_SECONDS = 0.02
"""How long to wait before asking again for a lock that was held: a reader that asks `held` holds it for an instant."""
MOUNTS = Path("/proc/self/mountinfo")
OF_ONE_MACHINE = {
    "nfs": ("nolock", "local_lock=all", "local_lock=flock"),
    "lustre": ("localflock",),
    "fuse.sshfs": ("",),
}
"""Types of network file systems, and the options with which each keeps its locks to one machine."""

STAND_IN = (
    f"lease files, renewed every {lease.HEARTBEAT_SECONDS:.0f} s, take the place of locks; what a machine held that "
    f"died is taken over after {lease.EXPIRES_SECONDS:.0f} s"
)
"""A sentence of what happens where locks cannot be trusted."""


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Holds the lock of `path` for the block.

    Raises:
        Busy: where another process holds it.
        ForeignError: where the file, or the directory that it would lie in, is another user's.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    except PermissionError as error:
        raise ForeignError(path, "write") from error
    try:
        if _distrust(descriptor, path):
            with lease.taken(path):
                yield
            return
        if lease.held(path):  # by a machine that cannot trust the locks
            raise Busy(f"{path} is leased by {lease.holder(path)}")
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
    """Says whether some process holds the lock; creates nothing.

    Raises:
        ForeignError: where it is another user's, who does not let this one look.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except PermissionError as error:
        raise ForeignError(path, "read") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        pass  # there are no locks here, so that leases are taken
    finally:
        os.close(descriptor)
    return lease.held(path)


def trial(directory: Path) -> str | None:
    """Tries locking in a directory, and says why its locks cannot be trusted; None where they can."""
    path = directory / f".locks.{os.getpid()}-{secrets.token_hex(4)}{TEMPORARY}"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        return _distrust(descriptor, path)
    finally:
        os.close(descriptor)
        path.unlink(missing_ok=True)


def _distrust(descriptor: int, path: Path) -> str | None:
    """Locks an open file, and says why that means nothing where it does.

    Raises:
        Busy: where another process has locked it.
    """
    where = f"the file system of {path.parent}"
    try:
        if not (_try(descriptor) or _try_again(descriptor)):
            raise Busy(f"{path} is held by {path.read_text().strip() or 'another process'}")
    except OSError as error:
        return f"{where} grants nobody a lock ({error.strerror or error})"
    # Two that opened a file on their own are to each other as two processes are.
    other = os.open(path, os.O_RDWR)
    try:
        if _try(other):
            return f"{where} grants everybody the same lock"
    finally:
        os.close(other)
    if found := _of_one_machine(descriptor):
        return f"{where} keeps its locks to one machine ({found})"
    return None


def _of_one_machine(descriptor: int) -> str | None:
    """Returns type and option of the file system where its locks do not reach other machines."""
    device = os.fstat(descriptor).st_dev
    with suppress(OSError):
        for line in MOUNTS.read_text().splitlines():
            mount, _, system = line.partition(" - ")
            if mount.split()[2] != f"{os.major(device)}:{os.minor(device)}":
                continue
            kind, _, options = system.split(maxsplit=2)
            known = next((known for known in OF_ONE_MACHINE if kind == known or kind == f"{known}4"), None)
            for option in OF_ONE_MACHINE[known] if known else ():
                if not option or option in options.split(","):
                    return f"{kind} {option}".strip()
    return None


def _try(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _try_again(descriptor: int) -> bool:
    time.sleep(PROBE_SECONDS)
    return _try(descriptor)
