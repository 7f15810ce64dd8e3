"""The source "folder": images in directories of the user's; one directory is split so that no reordering matters."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ablate.plugins import data_source
from ablate.sources.digest import hash_files, stamps
from ablate.sources.protocol import UNREADABLE, ColourProfiles, SourceImage, Split

Sides = tuple[tuple[SourceImage, ...], tuple[SourceImage, ...]]

SUFFIXES = (".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")


@data_source()
def folder(
    path: str | None = None,
    train: str | None = None,
    test: str | None = None,
    test_fraction: float = 0.1,
    validation: str | None = None,
    validation_fraction: float | None = None,
    colour_profiles: ColourProfiles = "keep",
) -> Folder:
    """Returns the images in directories of the user's: `train` and `test`, or `path`, which is split.

    Images for validation lie in a directory of their own, or are a fraction of those that would be trained on.

    Raises:
        ValueError: unless either both of `train` and `test` or `path` alone are given, and for both ways of validation.
    """
    if validation is not None and validation_fraction is not None:
        raise ValueError("validation is a directory and validation_fraction a part of the training images; give one")
    apart = (validation, validation_fraction)
    if path is not None and not train and not test:
        return Folder((path,), test_fraction, colour_profiles, *apart)
    if path is None and train is not None and test is not None:
        return Folder((train, test), test_fraction, colour_profiles, *apart)
    raise ValueError('source = "folder" needs either train and test, or path (split by test_fraction)')


@dataclass(frozen=True)
class Folder:
    """The image files below one directory, split by their content, or below one for each split."""

    directories: tuple[str, ...]
    test_fraction: float
    colour_profiles: ColourProfiles
    validation: str | None = None
    validation_fraction: float | None = None

    def stamp(self) -> Any:
        directories = [*self.directories, *([self.validation] if self.validation else [])]
        return [stamp for directory in directories for stamp in stamps(list_folder(Path(directory)))]

    def images(self, cache: Path | None = None) -> Mapping[Split, tuple[SourceImage, ...]]:
        """Returns the images of each split.

        Raises:
            ValueError: for a missing or empty directory, or too few images to split.
        """
        found = [self._below(directory, cache) for directory in self.directories]
        train, test = found if len(found) == 2 else split_by_content(found[0], self.test_fraction)
        if self.validation is not None:
            return {"train": train, "validation": self._below(self.validation, cache), "test": test}
        if self.validation_fraction is not None:
            # Those that are tested on have the other end of the hashes.
            left = 1.0 if len(found) == 2 else 1 - self.test_fraction
            train, validation = hold_back(train, self.validation_fraction * left)
            return {"train": train, "validation": validation, "test": test}
        return {"train": train, "test": test}

    def _below(self, directory: str, cache: Path | None) -> tuple[SourceImage, ...]:
        return hash_files(list_folder(Path(directory)), cache, self.colour_profiles)


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


def unfollowed_links(directory: Path) -> list[Path]:
    """Returns the links to directories below a directory, which `list_folder` does not follow."""
    found = (
        Path(parent, name) for parent, names, _ in os.walk(directory) for name in names if not name.startswith(".")
    )
    return sorted(path for path in found if path.is_symlink())


def split_by_content(images: Sequence[SourceImage], test_fraction: float) -> Sides:
    """Splits images into train and test by the hash of what they hold.

    An image stays on its side when it is renamed or others come and go, and copies of it are on the same side. Where
    chance leaves a side empty, the image nearest to it moves over. What cannot be read is left for training.

    Raises:
        ValueError: for fewer than two different images.
    """
    return _split(images, lambda sha256: int(sha256, 16) / 2**256, test_fraction)


def hold_back(images: Sequence[SourceImage], fraction: float) -> Sides:
    """Splits training images into train and validation as `split_by_content` does, from the other end of the hashes.

    The fraction is of all hashes, also of those of images that were split off for testing, and which are the same with
    and without a validation split.

    Raises:
        ValueError: for fewer than two different images.
    """
    return _split(images, lambda sha256: 1 - int(sha256, 16) / 2**256, fraction)


def _split(images: Sequence[SourceImage], place: Callable[[str], float], fraction: float) -> Sides:
    """Returns the images whose place, from 0 to 1, is not below a fraction, and those where it is."""
    contents = sorted({image.sha256 for image in images} - {UNREADABLE}, key=place)
    problems = [f"{image.place}: {image.problem}" for image in images if image.problem]
    if len(contents) < 2 and problems:
        raise ValueError(f"{len(contents)} different images can be read; two are the least to split ({problems[0]})")
    if len(contents) < 2:
        copies = f", in {len(images)} copies" if len(images) > 1 else ""
        raise ValueError(f"{images[0].place} is the only image{copies}; two different ones are the least to split")
    below = sum(place(sha256) < fraction for sha256 in contents)
    part = set(contents[: min(max(below, 1), len(contents) - 1)])
    return (
        tuple(image for image in images if image.sha256 not in part),
        tuple(image for image in images if image.sha256 in part),
    )


def _raise(error: OSError) -> None:
    # Left alone, `os.walk` skips a directory that it may not read.
    raise error
