"""A set of decoded images, mapped from one file."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ablate.settings import content_sha256
from ablate.sources.digest import file_sha256
from ablate.sources.protocol import ColourProfiles, profile_note

PIXELS = "images.u8"
INDEX = "index.json"
SKIP_SETTING = 'on_bad_image = "skip"'
SKIP_OPTION = "--on-bad-image skip"


@dataclass(frozen=True, eq=False)
class Images:
    """Images by number, in the order of their names; several processes share the memory.

    `digest` stands for the files they were decoded from, `skipped` names those left out, with the reason, `profiles`
    those whose samples are not sRGB in their file, and `remarks` tell what else was found and did no harm.
    """

    names: tuple[str, ...]
    digest: str
    skipped: tuple[tuple[str, str], ...]
    shapes: tuple[tuple[int, int], ...]
    offsets: tuple[int, ...]
    pixels: NDArray[np.uint8]
    profiles: tuple[tuple[str, str], ...] = ()
    remarks: tuple[tuple[str, str], ...] = ()
    colour_profiles: ColourProfiles = "keep"
    maps: Images | None = None
    """Their label maps, as planes; see `ablate.sources.label_maps`."""

    @property
    def identity(self) -> list[Any]:
        """All that the pixels depend on: the files, the decoder, which of them are used, and whether colours change."""
        from ablate.sources.decode import VERSION

        converted = ["colours converted"] if self.colour_profiles == "convert" else []
        return [self.digest, VERSION, list(self.names), *converted]

    @property
    def colours(self) -> dict[str, dict[str, int]]:
        """How many images have which colour profile that is not sRGB, and what was done to them; empty for none."""
        counts = Counter(profile for _, profile in self.profiles)
        return {{"keep": "kept", "convert": "converted"}[self.colour_profiles]: dict(counts)} if counts else {}

    @property
    def notes(self) -> list[str]:
        """Remarks on the images, once a data set: a line for all of which the same is true."""
        profiles = [(name, profile_note(profile, self.colour_profiles)) for name, profile in self.profiles]
        alike: dict[str, list[str]] = {}
        for name, note in (*profiles, *self.remarks):
            alike.setdefault(note, []).append(name)
        return [f"{note} ({_listed(names)})" for note, names in alike.items()]

    def __len__(self) -> int:
        return len(self.names)

    def __iter__(self) -> Iterator[NDArray[np.uint8]]:
        return (self[index] for index in range(len(self)))

    def __getitem__(self, index: int) -> NDArray[np.uint8]:
        """Returns an image, uint8 RGB (3, height, width): a view that cannot be written to."""
        height, width = self.shapes[index]
        start = self.offsets[index]
        return self.pixels[start : start + 3 * height * width].reshape(3, height, width)


def sealed(index: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the content of an index with the hash of all that it says."""
    return {**index, "seal": content_sha256(index)}


def is_whole(directory: Path) -> bool:
    """Says whether decoded images lie in a directory as they were written; those of before 0.2 have no hashes."""
    try:
        index = json.loads((directory / INDEX).read_bytes())
        seal = index.pop("seal", None)
        size = sum(3 * math.prod(shape) for shape in index["shapes"])
        whole = (directory / PIXELS).stat().st_size == size and seal in (None, content_sha256(index))
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return False
    return whole and ("sha256" not in index or file_sha256(directory / PIXELS) == index["sha256"])


def open_images(directory: Path, smallest: int, skip: bool, way_out: str = SKIP_SETTING) -> Images:
    """Opens the decoded images in a directory, those whose sides are `smallest` pixels or more.

    `way_out` names the setting or the option that turns `skip` on, nothing where none does.

    Raises:
        ValueError: if an image is unusable or too small and `skip` is off, or if none is left.
    """
    index: dict[str, Any] = json.loads((directory / INDEX).read_text())
    skipped = dict(index["refused"])
    kept = []
    offset = 0
    for name, (height, width) in zip(index["names"], index["shapes"], strict=True):
        if min(height, width) < smallest:
            skipped[name] = f"it is {height} pixels high and {width} wide; both must be {smallest} or more"
        else:
            kept.append((name, (height, width), offset))
        offset += 3 * height * width
    require_usable(index["source"], skipped, kept=len(kept), skip=skip, way_out=way_out)
    names, shapes, offsets = zip(*kept, strict=True)
    told = {
        key: tuple((name, said) for name, said in index.get(key, []) if name not in skipped)
        for key in ("profiles", "remarks")
    }
    return Images(
        names,
        index["digest"],
        tuple(sorted(skipped.items())),
        shapes,
        offsets,
        pixels=np.memmap(directory / PIXELS, np.uint8, mode="r"),
        profiles=told["profiles"],
        remarks=told["remarks"],
        colour_profiles=index.get("colour_profiles", "keep"),
    )


_NAMED_AT_MOST = 10


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED_AT_MOST} more" if len(names) > _NAMED_AT_MOST else ""
    return f"{', '.join(names[:_NAMED_AT_MOST])}{more}"


def require_usable(source: str, skipped: Mapping[str, str], kept: int, skip: bool, way_out: str = SKIP_SETTING) -> None:
    """Refuses a set of which some images have to be `skipped`, unless that is wanted and others are left.

    Raises:
        ValueError: with the first ten of them.
    """
    if kept and (skip or not skipped):
        return
    lines = [f"  {name}: {reason}" for name, reason in sorted(skipped.items())]
    if len(lines) > _NAMED_AT_MOST:
        lines = [*lines[:_NAMED_AT_MOST], f"  and {len(lines) - _NAMED_AT_MOST} more"]
    summary = f"{len(skipped)} of {len(skipped) + kept} images of {source} cannot be used"
    hint = (f"{way_out} leaves them out" if way_out else "all are needed") if kept else "none is left"
    raise ValueError("\n".join([f"{summary}; {hint}:", *lines]))
