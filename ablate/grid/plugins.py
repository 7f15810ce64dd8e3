"""Loads the code of one's own that a grid file names, before anything else of it is read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ablate.grid.mistakes import GridError
from ablate.grid.sheet import Sheet
from ablate.plugins.load import installed, load, loaded
from ablate.plugins.source import PluginError, Source, source_of_file, source_of_module
from ablate.records import Plugins


def named_plugins(directory: Path, declared: Plugins) -> dict[str, Callable[[], Source]]:
    """Returns how the source of each plugin of a grid is read, modules before files, by its name."""
    modules = {name: lambda name=name: source_of_module(name) for name in declared.modules}
    files = {name: lambda name=name: source_of_file(directory / name, name) for name in declared.files}
    return {**modules, **files}


def read_plugins(sheet: Sheet) -> tuple[Source, ...]:
    """Loads the plugins of a grid file.

    Raises:
        GridError: where one cannot be loaded: whatever names what it defines would be a mistake as well.
    """
    declared = sheet.section("plugins", Plugins)
    sources: list[Source] = []
    for name, read in named_plugins(sheet.path.parent, declared).items():
        kind = "modules" if name in declared.modules else "files"
        where = ("plugins", kind, getattr(declared, kind).index(name))
        try:
            source = read()
            if source.place in [other.place for other in sources]:
                raise PluginError(f"{name} is listed twice")
            load(source)
            sources.append(source)
        except PluginError as error:
            sheet.report(where, f"plugins.{kind}", str(error), found=name)
    if any(mistake.key.startswith("plugins") for mistake in sheet.mistakes):
        raise GridError(sheet.mistakes)
    of_packages = [source for source in loaded() if source.place in installed() and source not in sources]
    return (*of_packages, *sources)
