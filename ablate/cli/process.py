"""The process that a command runs in: its streams and its signals."""

from __future__ import annotations

import errno
import gc
import io
import os
import re
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO, cast

_CONTROL = "\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069"
_NOT_FOR_A_STREAM = re.compile(f"\033\\[[0-9;]*m|[{_CONTROL}]")
_NOT_FOR_A_LINE = re.compile(f"[\t\n{_CONTROL}]")


def printable(text: str) -> str:
    """Returns a name or a label with its control characters and line breaks escaped, so that it stays one word."""
    return _NOT_FOR_A_LINE.sub(lambda found: _escaped(found[0]), text)


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode()


class ReaderGoneError(Exception):
    """Nobody reads the output any more; no OSError, which argument parsers take for an error of theirs."""


class OutputLostError(Exception):
    """The output cannot be written, as to a full disk; the message is the reason. No OSError, as above."""


class OutputStream(io.TextIOBase):
    """A standard stream that takes any text.

    What its encoding lacks is replaced; control characters are escaped, but for line breaks, tabs and colours. Where
    its terminal is gone the text is dropped.
    """

    def __init__(self, stream: TextIO, escapes: bool = True) -> None:
        self.stream = stream
        self._escapes = escapes
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self.stream.encoding

    def isatty(self) -> bool:
        return self.stream.isatty()

    def fileno(self) -> int:
        return self.stream.fileno()

    def write(self, text: str) -> int:
        if self._escapes:
            text = _NOT_FOR_A_STREAM.sub(lambda found: found[0] if len(found[0]) > 1 else _escaped(found[0]), text)
        if text:  # click tries streams out with nothing, and passes over what they raise
            with self._losing_its_reader():
                self.stream.write(text)
        return len(text)

    def flush(self) -> None:
        with self._losing_its_reader():
            self.stream.flush()

    @contextmanager
    def _losing_its_reader(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self._silence()
            if error.errno == errno.EPIPE:
                raise ReaderGoneError from error
            if error.errno != errno.EIO:
                raise OutputLostError(error.strerror) from error

    def _silence(self) -> None:
        """Drops what is left in the buffer, and what comes; Python would try again to write it, and say so."""
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self.stream.fileno())
        os.close(nowhere)


def unescaped(stream: TextIO) -> TextIO:
    """Returns the stream for one that moves the cursor, and escapes itself what is not its own."""
    return cast(TextIO, OutputStream(stream.stream, escapes=False)) if isinstance(stream, OutputStream) else stream


def _told(unraisable: sys.UnraisableHookArgs) -> None:
    """Tells what could not be raised, as Python does, but for a lack of memory, which is raised somewhere else, too."""
    if not isinstance(unraisable.exc_value, MemoryError):
        sys.__unraisablehook__(unraisable)


def prepare() -> None:
    """Makes the standard streams usable, and Ctrl-C the end of a process that does nothing yet."""
    sys.unraisablehook = _told
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            # The next file to be opened would take its place, and get what is printed.
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
    sys.stdout, sys.stderr = (
        cast(TextIO, OutputStream(stream or open(os.devnull, "w", encoding="utf-8")))  # noqa: SIM115 - as long as the process
        for stream in (sys.stdout, sys.stderr)
    )


@contextmanager
def without_collection() -> Iterator[None]:
    """Spares a block that makes millions of objects, all of them needed to its end, the search for unreachable ones."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


@contextmanager
def interruptible() -> Iterator[None]:
    """Makes Ctrl-C a KeyboardInterrupt for the block, where `prepare` made it an end without one."""
    ours = threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGINT) is signal.SIG_DFL
    if ours:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        if ours:
            signal.signal(signal.SIGINT, signal.SIG_DFL)
