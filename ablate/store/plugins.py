"""Plugins of a store: copies of their source beside the plan, and how those of a plan are found again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ablate import atomic
from ablate.plugins.definitions import Defined, defined, stand_in
from ablate.plugins.load import load, loaded
from ablate.plugins.source import PluginError, Source, source_of_file, source_of_module
from ablate.records import Definition, PluginRecord, read, write
from ablate.registry import Origin

DIRECTORY = "plugins"
"""Of a grid, beside its plan."""


def record_of(source: Source) -> PluginRecord:
    """Returns the record of a plugin that was loaded."""
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in source.files.items()}
    things = [
        Definition(kind=each.kind, name=each.name, description=dict(each.description)) for each in defined(source)
    ]
    return PluginRecord(
        name=source.name, place=source.place, defined_by=source.defined_by, files=hashes, defines=things
    )


def source_of(record: PluginRecord) -> Source:
    """Reads a plugin from where it lay; raises PluginError where it is missing."""
    if record.place.endswith(".py"):
        return source_of_file(Path(record.place), record.name)
    return source_of_module(record.place)


def keep(grid: Path, records: Iterable[PluginRecord]) -> None:
    """Copies the source of the plugins of this process into the directory of a grid, once for each content."""
    sources = {source.defined_by: source for source in loaded()}
    for record in records:
        place, source = grid / DIRECTORY / record.key, sources.get(record.defined_by)
        if source is None or (place / "plugin.json").exists():
            continue
        for name, content in source.files.items():
            atomic.write_bytes(place / name, content)
        write(place / "plugin.json", record)


def require(grid: Path, records: Iterable[PluginRecord]) -> None:
    """Loads plugins as they were when a plan was made: from the grid's copy where a file was changed meanwhile.

    Raises:
        PluginError: where one is missing or fails, with its file.
    """
    for record in records:
        load(_as_planned(grid, record))


def offer(records: Iterable[PluginRecord]) -> list[str]:
    """Loads plugins as far as they are there, to look at results; names of the others are known all the same.

    Returns a sentence for each that could not be loaded.
    """
    faults = []
    for record in records:
        why = f"{record.name} is another one now"
        try:
            load(source_of(record))
        except PluginError as error:
            why = str(error)
            faults.append(f"the plugin {why}; results stand as recorded, and nothing that it defines can be computed")
        things = [Defined(each.kind, each.name, each.description) for each in record.defines]
        stand_in(Origin(record.name, record.defined_by), things, why)
    return faults


def of_settings(grid: Path, settings: Any) -> list[PluginRecord]:
    """Returns the records of the plugins that define what settings or protocols, as plain data, name."""
    wanted = set(_defined_by(settings))
    found = [read(PluginRecord, path) for path in sorted((grid / DIRECTORY).glob("*/plugin.json"))] if wanted else []
    return [record for record in found if record is not None and record.defined_by in wanted]


def told(grid: Path, settings: Any) -> list[str]:
    """Says of each plugin that defines something of settings or protocols what it is, and where its source is kept."""
    return [
        f"{record.short} defines {', '.join(f'{each.kind} {each.name}' for each in record.defines)}"
        + (f"; its source is kept in the grid's results, {DIRECTORY}/{record.key}" if record.files else "")
        for record in of_settings(grid, settings)
    ]


def _as_planned(grid: Path, record: PluginRecord) -> Source:
    copy = grid / DIRECTORY / record.key
    try:
        source = source_of(record)
        if source.defined_by == record.defined_by:
            return source
        why = f"{record.name} was changed since the run was planned"
    except PluginError as error:
        why = str(error)
    if record.files and (copy / next(iter(record.files))).is_file():
        source = source_of_file(copy / next(iter(record.files)), record.name)
        if source.defined_by == record.defined_by:
            return source
    raise PluginError(f"{why}, and there is no copy of it as it was; plan and run the grid again")


def _defined_by(settings: Any) -> Iterator[str]:
    if isinstance(settings, Mapping):
        if settings.get("defined_by"):
            yield settings["defined_by"]
        settings = list(settings.values())
    if isinstance(settings, list):
        for each in settings:
            yield from _defined_by(each)
