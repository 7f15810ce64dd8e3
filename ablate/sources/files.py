"""Image files: what can be read at all, and that what is read is what was hashed."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from pathlib import Path

from ablate.sources.protocol import ColourProfiles, Decoded, UnreadableError

_KINDS = {
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFDIR: "a directory",
}
_REASONS = {
    errno.ENOENT: "it is not there any more",
    errno.ELOOP: "it is a link that leads in a circle",
    errno.EACCES: "it may not be read",
}


def require_regular(path: Path) -> os.stat_result:
    """Returns the status of a regular file, without opening it: a pipe would keep its reader waiting for ever.

    Raises:
        UnreadableError: for anything else, a link that leads nowhere, and a file that may not be read.
    """
    try:
        status = path.stat()
    except OSError as error:
        raise reason(path, error) from error
    kind = stat.S_IFMT(status.st_mode)
    if kind != stat.S_IFREG:
        raise UnreadableError(f"it is {_KINDS.get(kind, 'something else')}; a regular file is expected")
    if not os.access(path, os.R_OK):
        raise UnreadableError(_REASONS[errno.EACCES])
    return status


def read_file(path: Path) -> bytes:
    """Returns the content of a regular file.

    Raises:
        UnreadableError: for anything else, and where reading fails.
    """
    require_regular(path)
    try:
        return path.read_bytes()
    except OSError as error:
        raise reason(path, error) from error


def read_image(path: Path, sha256: str, profiles: ColourProfiles = "keep") -> Decoded:
    """Returns the image in a file that was hashed before.

    Raises:
        ImageError: for an image that cannot be used.
        UnreadableError: if the file cannot be read, or is another by now.
    """
    from ablate.sources.decode import decode

    content = read_file(path)
    if hashlib.sha256(content).hexdigest() != sha256:
        raise UnreadableError("it has changed while it was read")
    return decode(content, profiles)


def reason(path: Path, error: OSError) -> UnreadableError:
    """Returns in words why the system does not give a file."""
    if error.errno == errno.ENOENT and path.is_symlink():
        return UnreadableError(f"it is a link to {os.readlink(path)}, which is not there")
    return UnreadableError(_REASONS.get(error.errno or 0) or f"it cannot be read: {error.strerror or error}")
