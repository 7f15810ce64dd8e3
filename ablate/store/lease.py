"""One writer at a time where locks cannot be trusted: a numbered file that its holder keeps renewing.

A lease is made by a name that nobody else could make (O_EXCL, atomic on NFS), and is over when its holder says so, died
on this machine, or has not renewed it for a minute by the clock of the file system. Who finds it over makes the next
number; the highest number holds. So no machine's clock counts, and nobody deletes what another one might have taken.
"""

from __future__ import annotations

import functools
import json
import os
import re
import secrets
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from ablate.atomic import TEMPORARY

HEARTBEAT_SECONDS = 5.0
EXPIRES_SECONDS = 60.0
RELEASED = b"released\n"
SUPERSEDED = 75
"""Exit status of a process that stood still for so long that another one took its lease."""
_BOOT = Path("/proc/sys/kernel/random/boot_id")


class Busy(Exception):  # noqa: N818 - a state of the entry, not a mistake
    """Another process holds the entry; the message says which."""


@contextmanager
def taken(lock: Path) -> Iterator[None]:
    """Holds the lease that stands in for a lock file, for the block.

    Raises:
        Busy: where another process holds it.
    """
    before = _newest(lock)
    if before and not _over(before):
        raise Busy(f"{lock} is leased by {holder(lock)}")
    mine = lock.with_name(f"{lock.name}.lease-{_number(before) + 1:06d}")
    who = {"host": socket.gethostname(), "pid": os.getpid(), "machine": _machine()}
    try:
        descriptor = os.open(mine, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
    except FileExistsError as error:
        raise Busy(f"{lock} was leased by another process just now") from error
    try:
        os.write(descriptor, json.dumps(who).encode())
        os.fsync(descriptor)
        # One that stood still since it looked may have made a number that is long over.
        if _newest(lock) != mine:
            mine.unlink(missing_ok=True)
            raise Busy(f"{lock} is leased by {holder(lock)}")
        for older in _all(lock)[:-1]:
            older.unlink(missing_ok=True)
        try:
            with _renewing(lock, mine, descriptor):
                yield
        finally:
            with suppress(OSError):  # one that cannot be ended runs out
                os.ftruncate(descriptor, 0)
                os.pwrite(descriptor, RELEASED, 0)
                os.fsync(descriptor)
    finally:
        os.close(descriptor)


def held(lock: Path) -> bool:
    """Says whether some process holds the lease; leaves nothing behind."""
    newest = _newest(lock)
    return newest is not None and not _over(newest)


def holder(lock: Path) -> str:
    """Returns host and process of who holds the lease."""
    newest = _newest(lock)
    who = _who(_content(newest)) if newest else {}
    return f"{who['host']} {who['pid']}" if who else "another process"


def _all(lock: Path) -> list[Path]:
    """Returns the files of leases, the newest last."""
    try:
        names = os.listdir(lock.parent)
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return []
    pattern = re.compile(re.escape(lock.name) + r"\.lease-\d{6,}")
    return sorted((lock.with_name(name) for name in names if pattern.fullmatch(name)), key=_number)


def _newest(lock: Path) -> Path | None:
    return next(reversed(_all(lock)), None)


def _number(path: Path | None) -> int:
    return int(path.name.rpartition("-")[2]) if path else 0


def _over(path: Path) -> bool:
    """Says whether a lease was ended, has run out, or is of a process of this machine that is gone."""
    content = _content(path)
    if content in (None, RELEASED):
        return True
    who = _who(content)
    if who and who["machine"] == _machine() and not Path(f"/proc/{who['pid']}").exists():
        return True
    try:
        # Opening a file is what makes NFS ask its server how old it is.
        with open(path, "rb") as file:
            return _now(path.parent) - os.fstat(file.fileno()).st_mtime > EXPIRES_SECONDS
    except FileNotFoundError:
        return True


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def _who(content: bytes | None) -> dict[str, Any]:
    """Returns what a lease says of its holder; nothing in the moment before that is written."""
    try:
        who: dict[str, Any] = json.loads(content or b"")
    except ValueError:
        return {}
    return who if {"host", "pid", "machine"} <= who.keys() else {}


@functools.cache
def _boot() -> str:
    try:
        return f"{_BOOT.read_text().strip()} {os.stat('/proc/self/ns/pid').st_ino}"
    except OSError:
        return secrets.token_hex(8)  # nobody's process is known to be gone then


def _machine() -> str:
    """Names what the numbers of processes belong to: a host since it was started, or a container on it."""
    return f"{socket.gethostname()} {_boot()}"


def _now(directory: Path) -> float:
    """Returns the time by the clock of a file system, or by this machine's where nothing may be written."""
    try:
        return _clock_of(directory)
    except OSError:
        return time.time()


def _clock_of(directory: Path) -> float:
    """Returns the time by the clock of a file system, which renewals are dated by."""
    path = directory / f".clock.{os.getpid()}-{secrets.token_hex(4)}{TEMPORARY}"
    try:
        with open(path, "xb") as file:
            os.utime(file.fileno())
            return os.fstat(file.fileno()).st_mtime
    finally:
        path.unlink(missing_ok=True)


@contextmanager
def _renewing(lock: Path, mine: Path, descriptor: int) -> Iterator[None]:
    """Renews a lease in the background, and ends this process where another one has taken it over."""
    over = threading.Event()

    def renew() -> None:
        while not over.wait(HEARTBEAT_SECONDS):
            with suppress(OSError):  # a server that is away: the next time, or the lease runs out
                os.utime(descriptor)
                if _newest(lock) != mine:
                    os._exit(SUPERSEDED)

    thread = threading.Thread(target=renew, name="lease", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
