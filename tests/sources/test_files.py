from __future__ import annotations

import errno
import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from ablate.sources.digest import hash_files, stamps
from ablate.sources.files import read_file, read_image
from ablate.sources.protocol import UNREADABLE, UnreadableError

pytestmark = pytest.mark.timeout(20)  # what waits for a pipe waits for ever


def pipe(path: Path) -> None:
    os.mkfifo(path)


def bound_socket(path: Path) -> None:
    here = Path.cwd()
    os.chdir(path.parent)  # a socket's path has a hundred characters at most
    try:
        with socket.socket(socket.AF_UNIX) as bound:
            bound.bind(path.name)
    finally:
        os.chdir(here)


def device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def dangling(path: Path) -> None:
    path.symlink_to("nowhere.png")


def circle(path: Path) -> None:
    path.symlink_to(path.name)


MADE: dict[Callable[[Path], None], str] = {
    pipe: "it is a named pipe; a regular file is expected",
    bound_socket: "it is a socket; a regular file is expected",
    device: "it is a device; a regular file is expected",
    Path.mkdir: "it is a directory; a regular file is expected",
    dangling: "it is a link to nowhere.png, which is not there",
    circle: "it is a link that leads in a circle",
}


@pytest.mark.parametrize("make", MADE, ids=lambda make: make.__name__)
def test_what_is_no_readable_file_is_refused_with_its_reason_and_never_opened(
    tmp_path: Path, make: Callable[[Path], None]
) -> None:
    path = tmp_path / "a.png"
    make(path)
    with pytest.raises(UnreadableError) as caught:
        read_file(path)
    assert str(caught.value) == MADE[make]
    (image,) = hash_files([("a.png", path)])
    assert (image.sha256, image.problem, image.place) == (UNREADABLE, MADE[make], str(path))
    with pytest.raises(UnreadableError, match=r"it is a"):
        image.read()


def test_a_file_that_vanished_is_named_as_such(tmp_path: Path) -> None:
    with pytest.raises(UnreadableError, match="it is not there any more"):
        read_file(tmp_path / "a.png")
    (image,) = hash_files([("a.png", tmp_path / "a.png")])
    assert image.problem == "it is not there any more"


def test_a_file_that_may_not_be_read_is_told_even_where_its_hash_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"one")
    os.utime(path, (1, 1))
    hash_files([("a.png", path)], tmp_path / "cache")
    monkeypatch.setattr(os, "access", lambda *_: False)
    (image,) = hash_files([("a.png", path)], tmp_path / "cache")
    assert image.problem == "it may not be read"


def test_a_read_error_is_the_files_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"one")

    def fail(*_: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(Path, "read_bytes", fail)
    monkeypatch.setattr(Path, "open", fail)
    (image,) = hash_files([("a.png", path)])
    assert image.problem == "it cannot be read: Input/output error"
    for read in (lambda: read_file(path), lambda: read_image(path, "")):
        with pytest.raises(UnreadableError, match="it cannot be read: Input/output error"):
            read()


def test_a_file_that_is_another_by_now_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"one")
    (image,) = hash_files([("a.png", path)])
    path.write_bytes(b"two")
    with pytest.raises(UnreadableError, match="it has changed while it was read"):
        image.read()


def test_the_stamp_of_an_unreadable_file_changes_once_it_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.symlink_to("later.png")
    before = stamps([("a.png", path)])
    (tmp_path / "later.png").write_bytes(b"one")
    assert stamps([("a.png", path)]) != before
