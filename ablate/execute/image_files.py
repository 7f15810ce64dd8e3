"""Findings about the images of a grid before a run: links that are not followed, files left out, colours, sizes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from ablate import memory
from ablate.config import Data
from ablate.data import Images
from ablate.sources.decode import BYTES_PER_PIXEL
from ablate.sources.folder import unfollowed_links
from ablate.train.finding import Finding

GIB = 1 << 30
NAMED_AT_MOST = 3


def inspect_images(data: Data, sets: Sequence[Images]) -> Iterator[Finding]:
    """Looks at decoded images of resolved settings, those of every split together."""
    yield _links(data)
    yield _files(sets)
    yield _colours(data, sets)
    yield _sizes(sets)


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED_AT_MOST} more" if len(names) > NAMED_AT_MOST else ""
    return ", ".join(names[:NAMED_AT_MOST]) + more


def _links(data: Data) -> Finding:
    directories = [Path(place) for place in (data.path, data.train, data.test) if place]
    links = [str(link) for directory in directories for link in unfollowed_links(directory)]
    if not links:
        return Finding("links", "ok", "no link to a directory is left out")
    advice = "links to directories are not followed; name the directory itself, or link its files"
    return Finding("links", "warning", f"no image is looked for behind {_listed(links)}", advice)


def _files(sets: Sequence[Images]) -> Finding:
    skipped = [f"{name} ({reason})" for images in sets for name, reason in images.skipped]
    count = sum(map(len, sets))
    if not skipped:
        return Finding("images", "ok", f"all {count} can be used")
    advice = 'data.on_bad_image = "skip" leaves them out: mend or remove them, so that nobody asks which were used'
    return Finding(
        "images", "warning", f"{len(skipped)} of {count + len(skipped)} cannot be used: {_listed(skipped)}", advice
    )


def _colours(data: Data, sets: Sequence[Images]) -> Finding:
    foreign = [f"{name} ({profile})" for images in sets for name, profile in images.profiles]
    if not foreign:
        return Finding("colours", "ok", "sRGB or without a profile")
    done = "converted to sRGB" if data.colour_profiles == "convert" else "taken as if they were sRGB"
    found = f"{len(foreign)} with another profile than sRGB, {done}: {_listed(foreign)}"
    if data.colour_profiles == "convert" or data.source != "folder":
        return Finding("colours", "ok", found)
    advice = 'what a viewer shows is another image; data.colour_profiles = "convert" trains and measures on that'
    return Finding("colours", "warning", found, advice)


def _sizes(sets: Sequence[Images]) -> Finding:
    largest = max((shape for images in sets for shape in images.shapes), key=lambda shape: shape[0] * shape[1])
    need, free = largest[0] * largest[1] * BYTES_PER_PIXEL, memory.available()
    size = f"{largest[1]} x {largest[0]} pixels"
    found = f"the largest has {size}, which take {need / GIB:.2f} of {free / GIB:.1f} GiB to decode"
    if 2 * need < free:
        return Finding("sizes", "ok", found)
    advice = "workers that decode beside each other may not have that much; shrink or cut it, or take fewer workers"
    return Finding("sizes", "warning", found, advice)
