"""Images in a directory of the user's, and a split of one directory that no reordering changes."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from ablate.sources.digest import SourceFile

SUFFIXES = (".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")


def list_folder(directory: Path) -> list[tuple[str, Path]]:
    """Returns name and place of every image below a directory, sorted by name: the path relative to it.

    Bytes of a name that are no UTF-8 stand in it in hexadecimal digits, since tables and reports hold it.

    Names that begin with a dot are left out, as are links to directories; a suffix counts in either case.

    Raises:
        ValueError: if there is no such directory, or no image in it.
    """
    if not directory.is_dir():
        raise ValueError(f"{directory} is {'a file' if directory.exists() else 'not there'}; a directory is expected")
    named = []
    for parent, directories, files in os.walk(directory, onerror=_raise):
        directories[:] = [name for name in directories if not name.startswith(".")]
        for file in files:
            path = Path(parent, file)
            if path.suffix.lower() in SUFFIXES and not file.startswith("."):
                named.append((os.fsencode(path.relative_to(directory)).decode(errors="backslashreplace"), path))
    if not named:
        raise ValueError(f"{directory} holds no image; looked for {', '.join(SUFFIXES)}, in its subdirectories too")
    return sorted(named)


def split_by_content(
    files: Sequence[SourceFile], test_fraction: float
) -> tuple[tuple[SourceFile, ...], tuple[SourceFile, ...]]:
    """Splits files into train and test by the hash of what they hold.

    An image stays on its side when it is renamed or others come and go, and copies of it are on the same side. Where
    chance leaves a side empty, the image nearest to it moves over.

    Raises:
        ValueError: for fewer than two different images.
    """
    contents = sorted({file.sha256 for file in files})
    if len(contents) < 2:
        raise ValueError(
            f"{files[0].path} is the only image, in {len(files)} copies; two different ones are the least to split"
        )
    below = sum(int(sha256, 16) / 2**256 < test_fraction for sha256 in contents)
    test = set(contents[: min(max(below, 1), len(contents) - 1)])
    return (
        tuple(file for file in files if file.sha256 not in test),
        tuple(file for file in files if file.sha256 in test),
    )


def require_disjoint(train: Sequence[SourceFile], test: Sequence[SourceFile]) -> None:
    """Refuses a file that is in both sets: what was trained on says nothing about other images."""
    trained = {file.sha256: file for file in train}
    for file in test:
        if file.sha256 in trained:
            raise ValueError(f"{trained[file.sha256].path} (train) and {file.path} (test) are the same image")


def _raise(error: OSError) -> None:
    # Left alone, `os.walk` skips a directory that it may not read.
    raise error
