"""A grid as one file: a tar with all that another machine reports from, the same bytes for the same content."""

from __future__ import annotations

import hashlib
import io
import json
import lzma
import secrets
import shutil
import tarfile
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, BinaryIO, Literal

from pydantic import Field, ValidationError

from ablate import atomic
from ablate.records.record import Record
from ablate.store.artefacts import sha256
from ablate.store.entry import Entry
from ablate.store.layout import Store
from ablate.store.merge import GRID_FILES, Merged, merge
from ablate.store.parts import Kind, files, kind_of, shown_data, transient
from ablate.store.plugins import DIRECTORY

MANIFEST = "archive.json"


class Manifest(Record):
    """archive.json, the first file of an archive: what is in it."""

    schema_version: Literal[1] = Field(1, alias="schema")
    grid: str
    weights: bool
    images: bool = True
    files: dict[str, str]
    """sha256 by path below the results directory."""


def archive(store: Store, path: Path, *, weights: bool = True, images: bool = True) -> tuple[Manifest, list[Entry]]:
    """Writes a grid into a file: records, plugins, warm-ups, and where wanted weights, and images that reports show.

    States of trainings go along with the weights, features of reconstructions with the images. Names, times and owners
    of this machine do not, nor files of trackers and schedulers, nor what a process is at just now, which is returned
    beside what went along. A path that ends in .xz is compressed.

    Raises:
        ValueError: for a grid that was not run.
    """
    unwanted: set[Kind] = set()
    unwanted |= set() if weights else {"weights", "checkpoints"}
    unwanted |= set() if images else {"reconstructions", "features", "images"}
    left_out = _held(store)
    names = sorted(_members(store, unwanted, left_out))
    sizes = {name: (store.root / name).stat().st_size for name in names}
    found = {name: sha256(store.root / name, size) for name, size in sizes.items()}
    without: dict[str, Any] = {} if images else {"images": False}
    manifest = Manifest(schema_version=1, grid=store.grid, weights=weights, files=found, **without)

    def write(file: BinaryIO) -> None:
        mode: Literal["w", "w:xz"] = "w:xz" if path.suffix == ".xz" else "w"
        with tarfile.open(fileobj=file, mode=mode, format=tarfile.PAX_FORMAT) as tar:
            content = (json.dumps(manifest.plain(), indent=1) + "\n").encode()
            tar.addfile(_info(MANIFEST, len(content)), io.BytesIO(content))
            for name, size in sizes.items():
                with open(store.root / name, "rb") as member:
                    tar.addfile(_info(name, size), member)

    atomic.write_with(path, write)
    return manifest, left_out


def _held(store: Store) -> list[Entry]:
    """Returns the cells and warm-ups of a grid, and what is measured beside their results, that a process is at."""
    plan = store.plan()
    entries = [*store.cells(), *(store.warmup(name) for name in (plan.warmups if plan else ()))]
    return [place for entry in entries for place in entry.places() if place.held()]


def import_archive(path: Path, root: Path) -> tuple[Manifest, Merged]:
    """Merges the grid of an archive into a results directory, once every file of it is as it was packed.

    Raises:
        ValueError: for what is no archive, or one that was cut or altered.
        MergeError: as `merge`.
    """
    stage = root / ".shared" / f"import-{secrets.token_hex(4)}{atomic.TEMPORARY}"
    try:
        manifest = _unpack(path, stage)
        return manifest, merge([stage], root)
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def _members(store: Store, unwanted: Collection[Kind], left_out: Collection[Entry]) -> Iterator[str]:
    """Yields what `merge` takes of a grid."""
    plan = store.plan()
    if plan is None:
        raise ValueError(f"{store.path} has no plan: no grid of that name was run")
    own = [*(store.path / name for name in (*GRID_FILES, DIRECTORY)), *(entry.path for entry in store.cells())]
    places = [*own, *(store.warmup(name).path for name in plan.warmups), *shown_data(store.data_cache, plan)]
    changing = tuple(f"{entry.path.relative_to(store.root).as_posix()}/" for entry in left_out)
    for place in places:
        top = place.relative_to(store.root).as_posix()
        if place.is_file():
            yield top
            continue
        for name, _ in files(place):
            wanted = kind_of(f"{top}/{name}") not in unwanted and not f"{top}/{name}".startswith(changing)
            if wanted and not any(map(transient, name.split("/"))):
                yield f"{top}/{name}"


def _info(name: str, size: int) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size, info.mode = size, 0o644
    return info


def _unpack(path: Path, stage: Path) -> Manifest:
    """Writes the files of an archive below a directory and compares each with the manifest."""
    try:
        with tarfile.open(path) as tar:
            first = tar.next()
            content = tar.extractfile(first) if first is not None and first.name == MANIFEST else None
            if content is None:
                raise ValueError(f"{path} is no archive of a grid: it does not begin with {MANIFEST}")
            manifest = Manifest.model_validate_json(content.read())
            left = dict(manifest.files)
            for member in tar:
                if member.name == MANIFEST:
                    continue
                if left.pop(member.name, None) is None or not member.isfile():
                    raise ValueError(f"{path} is altered: it has {member.name}, which its manifest does not name")
                _write(tar, member, stage, manifest.files[member.name], path)
    except (tarfile.TarError, EOFError, lzma.LZMAError, ValidationError) as error:
        raise ValueError(f"{path} is no archive of a grid, or was cut: {error}") from error
    if left:
        raise ValueError(f"{path} was cut: {len(left)} files are missing, such as {next(iter(left))}")
    return manifest


def _write(tar: tarfile.TarFile, member: tarfile.TarInfo, stage: Path, expected: str, path: Path) -> None:
    target = (stage / member.name).resolve()
    if not target.is_relative_to(stage.resolve()):
        raise ValueError(f"{path} is altered: {member.name} would lie outside the store")
    target.parent.mkdir(parents=True, exist_ok=True)
    content: Any = tar.extractfile(member)
    digest = hashlib.sha256()
    with open(target, "xb") as file:
        while chunk := content.read(1 << 20):
            digest.update(chunk)
            file.write(chunk)
    if digest.hexdigest() != expected:
        raise ValueError(f"{path} is altered: {member.name} has another sha256 than its manifest says")
