"""The source "photos": the images that lie inside the scikit-image package, there wherever ablate is.

No two views of one scene lie on both sides of the split: both images of the motorcycle are for training.

    train  astronaut          Eileen Collins, NASA; public domain
           motorcycle_left    Middlebury 2014 stereo data, Scharstein et al., GCPR 2014; scikit-image states no licence
           motorcycle_right   the same scene, from 19 cm to the right
           ihc                immunohistochemical staining, Center for Microscopy and Molecular Imaging; no known
                              copyright restrictions
           retina             fundus of a left eye, Mikael Häggström 2014, WikiJournal of Medicine 1 (2); CC0
           hubble_deep_field  NASA and ESA, Hubble eXtreme Deep Field; public domain
           rocket             DSCOVR on Falcon 9, SpaceX; public domain
    test   chelsea            a cat, Stefan van der Walt; CC0
           coffee             a cup, Rachel Michetti, courtesy of Pikolo Espresso Bar; CC0

For validation, where that is asked for, images are held back from training in a fixed order, the photographs that are
most like the test images first.

Origins and licences as scikit-image 0.26 states them in `skimage.data`.
"""

from __future__ import annotations

import importlib.resources
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ablate.plugins import data_source
from ablate.sources.digest import hash_files, stamps
from ablate.sources.protocol import ColourProfiles, SourceImage, Split

SHA256: dict[Literal["train", "test"], dict[str, str]] = {
    "train": {
        "astronaut.png": "88431cd9653ccd539741b555fb0a46b61558b301d4110412b5bc28b5e3ea6cb5",
        "motorcycle_left.png": "db18e9c4157617403c3537a6ba355dfeafe9a7eabb6b9b94cb33f6525dd49179",
        "motorcycle_right.png": "5fc913ae870e42a4b662314bc904d1786bcad8e2f0b9b67dba5a229406357797",
        "ihc.png": "f8dd1aa387ddd1f49d8ad13b50921b237df8e9b262606d258770687b0ef93cef",
        "retina.jpg": "38a07f36f27f095e818aea7b96d34202c05176d30253c66733f2e00379e9e0e6",
        "hubble_deep_field.jpg": "3a19c5dd8a927a9334bb1229a6d63711b1c0c767fb27e2286e7c84a3e2c2f5f4",
        "rocket.jpg": "c2dd0de7c538df8d111e479619b129464d0269d0ae5fd18ca91d33a7fdfea95c",
    },
    "test": {
        "chelsea.png": "596aa1e7cb875eb79f437e310381d26b338a81c2da23439704a73c4651e8c4bb",
        "coffee.png": "cc02f8ca188b167c775a7101b5d767d1e71792cf762c33d6fa15a4599b5a8de7",
    },
}
HELD_BACK = ("rocket.jpg", "astronaut.png", "retina.jpg", "ihc.png")
"""In this order training images are held back for validation; those of the motorcycle and the one of stars never."""
_KNOWN_TO_WORK = "scikit-image 0.26 has the right ones"


@data_source(source="scikit-image, `skimage.data`")
def photos(colour_profiles: ColourProfiles = "keep", validation_fraction: float | None = None) -> Photos:
    """Returns the images that lie inside scikit-image as a data source; a fraction of those to train on is held back.

    Raises:
        ValueError: for a larger part than may be held back.
    """
    most = len(HELD_BACK) / len(SHA256["train"])
    if validation_fraction is not None and validation_fraction > most:
        raise ValueError(
            f'source = "photos" has a validation_fraction of {most:.3g} at most, not {validation_fraction}'
        )
    return Photos(colour_profiles, validation_fraction)


@dataclass(frozen=True)
class Photos:
    """The images inside scikit-image, each of them checked byte by byte; the rocket has the profile Adobe RGB."""

    colour_profiles: ColourProfiles
    validation_fraction: float | None = None

    def stamp(self) -> Any:
        return [stamp for split in SHA256 for stamp in stamps(list_photos(split))]

    def images(self, cache: Path | None = None) -> Mapping[Split, tuple[SourceImage, ...]]:
        """Returns the images of each split.

        Raises:
            ValueError: if scikit-image is absent, or an image is absent or another than expected.
        """
        train, test = (_checked(split, cache, self.colour_profiles) for split in SHA256)
        if self.validation_fraction is None:
            return {"train": train, "test": test}
        count = max(1, round(self.validation_fraction * len(train)))
        names = {Path(file).stem for file in HELD_BACK[:count]}
        return {
            "train": tuple(image for image in train if image.name not in names),
            "validation": tuple(image for image in train if image.name in names),
            "test": test,
        }


def _checked(split: Literal["train", "test"], cache: Path | None, profiles: ColourProfiles) -> tuple[SourceImage, ...]:
    images = hash_files(list_photos(split), cache, profiles)
    for image, expected in zip(images, SHA256[split].values(), strict=True):
        if image.problem:
            raise ValueError(f"{image.place}: {image.problem}")
        if image.sha256 != expected:
            raise ValueError(f"{image.place} has the sha256 {image.sha256}; {expected} is expected ({_KNOWN_TO_WORK})")
    return images


def list_photos(split: Literal["train", "test"]) -> list[tuple[str, Path]]:
    """Returns name and place of each image of a split, without reading it."""
    directory = photo_directory()
    missing = [file for file in SHA256[split] if not (directory / file).is_file()]
    if missing:
        raise ValueError(f"{directory} lacks the photographs {', '.join(missing)} ({_KNOWN_TO_WORK})")
    return [(Path(file).stem, directory / file) for file in SHA256[split]]


def photo_directory() -> Path:
    """Returns where scikit-image keeps its images; importing the top of that package is cheap."""
    try:
        package = importlib.resources.files("skimage")
    except ModuleNotFoundError as error:
        raise ValueError('source = "photos" needs the package scikit-image, which holds the photographs') from error
    return Path(str(package / "data"))
