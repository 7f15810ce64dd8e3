"""Sets of test images by name, measured beside the test images of the data."""

from __future__ import annotations

import itertools
from pathlib import Path

from ablate.config import Data, Evaluation
from ablate.data.cache import prepare_folder
from ablate.data.images import Images, require_usable
from ablate.data.maps import prepare, with_maps
from ablate.data.selection import require_disjoint, require_no_near_copies, select
from ablate.metrics.naming import TEST, VALIDATION
from ablate.settings import content_sha256
from ablate.sources.digest import digest, hash_files, stamps
from ablate.sources.folder import list_folder
from ablate.sources.protocol import SourceImage, Split


def resolve_sets(evaluation: Evaluation, data: Data, directory: Path, cache: Path | None = None) -> Evaluation:
    """Returns the evaluation with absolute paths of its sets and the digests of their images.

    Args:
        evaluation: as a grid file gives it.
        data: resolved.
        directory: what relative paths begin at.
        cache: directory where hashes of files are remembered.

    Raises:
        ValueError: for a missing or empty directory, an image to train or validate on or a near copy
            of one, or an image that cannot be used.
    """
    if not evaluation.sets:
        return evaluation
    learned_from: dict[str, tuple[SourceImage, ...]] = {
        split: images for split, images in select(data, cache).items() if split != "test"
    }
    paths, digests, found = {}, {}, {}
    for name, path in evaluation.sets.items():
        place = _absolute(path, directory)
        images = hash_files(list_folder(place), cache, data.colour_profiles)
        problems = {image.name: image.problem for image in images if image.problem}
        require_usable(str(place), problems, len(images) - len(problems), skip=data.on_bad_image == "skip")
        for split, known in learned_from.items():
            require_disjoint(known, images, name, split)
        paths[name], digests[name], found[name] = str(place), digest(images), images
    require_no_near_copies(learned_from | found, itertools.product(learned_from, found), cache)
    return evaluation.model_copy(update={"sets": paths, "set_digests": digests})


def prepare_set(data: Data, evaluation: Evaluation, name: str, cache: Path) -> Images:
    """Returns the images of a set of resolved settings, decoded now or before.

    Raises:
        ValueError: if they cannot be used, or are no longer those that the settings were resolved to.
    """
    if name == TEST:
        return prepare(data, "test", cache)
    if name == VALIDATION:
        return prepare(data, "validation", cache)
    skip = data.on_bad_image == "skip"
    images = prepare_folder(Path(evaluation.sets[name]), cache, skip=skip, colour_profiles=data.colour_profiles)
    if images.digest != evaluation.set_digests[name]:
        raise ValueError(f"the images of {evaluation.sets[name]} have changed since the grid was planned; plan again")
    return with_maps(images, data.maps, name, cache)


def count_of_set(data: Data, evaluation: Evaluation, name: str, cache: Path) -> int:
    """Counts the images of a set, without decoding them."""
    if name in (TEST, VALIDATION):
        split: Split = "test" if name == TEST else "validation"
        return len(select(data, cache)[split])
    return len(list_folder(Path(evaluation.sets[name])))


def stat_of_set(path: str, directory: Path) -> str:
    """Returns a hash of names, sizes and times of the images of a set: changes when its digest might have.

    Raises:
        ValueError: for a missing or empty directory.
    """
    return content_sha256(stamps(list_folder(_absolute(path, directory))))


def _absolute(path: str, directory: Path) -> Path:
    return (directory / Path(path).expanduser()).resolve()
