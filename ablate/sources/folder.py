"""The source "folder": images in directories of the user's; one directory is split so that no reordering matters."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ablate.plugins import data_source
from ablate.sources.digest import hash_files, stamps
from ablate.sources.protocol import UNREADABLE, ColourProfiles, SourceImage, Split

SUFFIXES = (".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")


@data_source()
def folder(
    path: str | None = None,
    train: str | None = None,
    test: str | None = None,
    test_fraction: float = 0.1,
    colour_profiles: ColourProfiles = "keep",
) -> Folder:
    """Returns the images in directories of the user's: `train` and `test`, or `path`, which is split.

    Raises:
        ValueError: unless either both of `train` and `test` or `path` alone are given.
    """
    if path is not None and not train and not test:
        return Folder((path,), test_fraction, colour_profiles)
    if path is None and train is not None and test is not None:
        return Folder((train, test), test_fraction, colour_profiles)
    raise ValueError('source = "folder" needs either train and test, or path (split by test_fraction)')


@dataclass(frozen=True)
class Folder:
    """The image files below one directory, split by their content, or below one for each split."""

    directories: tuple[str, ...]
    test_fraction: float
    colour_profiles: ColourProfiles

    def stamp(self) -> Any:
        return [stamp for directory in self.directories for stamp in stamps(list_folder(Path(directory)))]

    def images(self, cache: Path | None = None) -> Mapping[Split, tuple[SourceImage, ...]]:
        """Returns the images of both splits.

        Raises:
            ValueError: for a missing or empty directory, or too few images to split.
        """
        found = [
            hash_files(list_folder(Path(directory)), cache, self.colour_profiles) for directory in self.directories
        ]
        train, test = found if len(found) == 2 else split_by_content(found[0], self.test_fraction)
        return {"train": train, "test": test}


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
    images: Sequence[SourceImage], test_fraction: float
) -> tuple[tuple[SourceImage, ...], tuple[SourceImage, ...]]:
    """Splits images into train and test by the hash of what they hold.

    An image stays on its side when it is renamed or others come and go, and copies of it are on the same side. Where
    chance leaves a side empty, the image nearest to it moves over. What cannot be read is left for training.

    Raises:
        ValueError: for fewer than two different images.
    """
    contents = sorted({image.sha256 for image in images} - {UNREADABLE})
    problems = [f"{image.place}: {image.problem}" for image in images if image.problem]
    if len(contents) < 2 and problems:
        raise ValueError(f"{len(contents)} different images can be read; two are the least to split ({problems[0]})")
    if len(contents) < 2:
        raise ValueError(
            f"{images[0].place} is the only image, in {len(images)} copies; two different ones are the least to split"
        )
    below = sum(int(sha256, 16) / 2**256 < test_fraction for sha256 in contents)
    test = set(contents[: min(max(below, 1), len(contents) - 1)])
    return (
        tuple(image for image in images if image.sha256 not in test),
        tuple(image for image in images if image.sha256 in test),
    )


def _raise(error: OSError) -> None:
    # Left alone, `os.walk` skips a directory that it may not read.
    raise error
