"""Loads plugins: files by their path and modules by their name, whose decorators then register what they define."""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import importlib.abc
import importlib.machinery
import importlib.metadata
import importlib.util
import sys
import traceback
import types
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ablate.plugins.source import PluginError, Source, source_of_module
from ablate.registry import Origin, catalogues, defining

GROUP = "ablate.plugins"
"""Entry-point group of installed packages that bring plugins."""
PACKAGE = "ablate_plugins_"
"""How the packages begin that stand for folders of plugin files."""

_loaded: dict[str, Source] = {}
"""What was loaded in this process, by place."""


def loaded() -> tuple[Source, ...]:
    """Returns all plugins of this process."""
    return tuple(_loaded.values())


def installed() -> tuple[str, ...]:
    """Returns the modules that installed packages name as plugins."""
    return tuple(sorted({point.module for point in importlib.metadata.entry_points(group=GROUP)}))


def origin_of(source: Source) -> Origin:
    """Returns what registered things remember of a plugin."""
    return Origin(source.name, source.defined_by)


def load(source: Source) -> None:
    """Runs a plugin, so that all it defines is registered; does nothing where it was loaded with that content.

    What it prints goes to standard error. Where it fails nothing of it stays.

    Raises:
        PluginError: with file and line, where it raises or ends the program, or where a name is taken.
    """
    if any(source.defined_by == other.defined_by and (source.files or source == other) for other in loaded()):
        return
    if (before := _loaded.get(source.place)) is not None:
        forget(before)
    try:
        with defining(origin_of(source)), contextlib.redirect_stdout(sys.stderr):
            _run(source)
    except PluginError:
        raise
    except (Exception, SystemExit) as error:
        said = "it ends the program while it is loaded: " if isinstance(error, SystemExit) else ""
        where = place_in(error, [source]) or source.place
        raise PluginError(f"{where}: {said}{type(error).__name__}: {error}{_hint(error, source)}") from error
    _loaded[source.place] = source


def forget(source: Source) -> None:
    """Takes out all that a plugin has registered."""
    for catalogue in catalogues():
        catalogue.forget(origin_of(source))
    if source.is_file:
        for name in [name for name in sys.modules if name.startswith(f"{_package(source)}.")]:
            del sys.modules[name]
    else:
        sys.modules.pop(source.place, None)
    _loaded.pop(source.place, None)


def forget_all() -> None:
    """Takes out all that is not the package's own."""
    for source in loaded():
        forget(source)
    for catalogue in catalogues():
        for origin in catalogue.origins():
            catalogue.forget(origin)


def load_installed() -> tuple[str, ...]:
    """Loads what installed packages bring, and returns a sentence for each that cannot be loaded."""
    faults = []
    for module in installed():
        try:
            load(source_of_module(module))
        except PluginError as error:
            faults.append(f"the installed plugin {module} is left out: {error}")
    return tuple(faults)


def place_in(error: BaseException, sources: Sequence[Source] | None = None) -> str:
    """Returns file and line of the innermost frame of an error that lies in a plugin, of all where none are given.

    Empty where the error did not pass through one.
    """
    files = {str(path) for source in (loaded() if sources is None else sources) for path in _paths(source)}
    if isinstance(error, SyntaxError) and error.filename in files:
        return f"{error.filename}, line {error.lineno or 1}"
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename in files]
    return f"{frames[-1].filename}, line {frames[-1].lineno}" if frames else ""


def _paths(source: Source) -> Iterator[Path]:
    if source.is_file:
        yield from (Path(source.place).parent / name for name in source.files)
    elif (module := sys.modules.get(source.place)) is not None and module.__file__:
        yield Path(module.__file__)
        yield from (Path(module.__file__).parents[source.place.count(".")] / name for name in source.files)


def _run(source: Source) -> None:
    if not source.is_file:
        importlib.import_module(source.place)
        return
    folder = Path(source.place).parent
    package = types.ModuleType(_package(source))
    package.__path__ = [str(folder)]
    sys.modules[package.__name__] = package
    of_folder = {str(folder / name): content for name, content in source.files.items()}
    _FINDER.files[package.__name__] = {**_FINDER.files.get(package.__name__, {}), **of_folder}
    for name, content in source.files.items():
        earlier = sys.modules.get(_module(package.__name__, name))
        if earlier is not None and earlier.__loader__ != _Snapshot(str(folder / name), content):
            del sys.modules[earlier.__name__]  # another plugin of the folder has imported it, as it was before
    importlib.import_module(_module(package.__name__, next(iter(source.files))))


def _package(source: Source) -> str:
    return PACKAGE + hashlib.sha256(str(Path(source.place).parent).encode()).hexdigest()[:12]


def _module(package: str, name: str) -> str:
    return f"{package}.{name.removesuffix('.py').removesuffix('/__init__').replace('/', '.')}"


def _hint(error: BaseException, source: Source) -> str:
    """Says how a file of the plugin's folder is imported, where that was tried otherwise."""
    name = error.name if isinstance(error, ModuleNotFoundError) else None
    if source.is_file and name and (Path(source.place).parent / f"{name.partition('.')[0]}.py").is_file():
        return f"; a file of the plugin's own folder is imported as `from .{name} import …`"
    return ""


@dataclass(frozen=True)
class _Snapshot(importlib.abc.SourceLoader):
    """Runs the very bytes that were hashed: no file that changed since, and no compiled one of earlier days."""

    path: str
    content: bytes

    def get_filename(self, fullname: str) -> str:  # noqa: ARG002
        return self.path

    def get_data(self, path: str | bytes) -> bytes:
        if path != self.path:
            raise FileNotFoundError(path)
        return self.content


class _Finder(importlib.abc.MetaPathFinder):
    """Finds the files of plugins' folders, and of these only what is in the hash."""

    def __init__(self) -> None:
        self.files: dict[str, Mapping[str, bytes]] = {}

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        del target
        files = self.files.get(fullname.partition(".")[0])
        if files is None or not path:
            return None
        inside = Path(path[0]) / fullname.rpartition(".")[2]
        for file in (inside / "__init__.py", inside.with_name(f"{inside.name}.py")):
            if str(file) in files:
                loader = _Snapshot(str(file), files[str(file)])
                within = [str(inside)] if file.name == "__init__.py" else None
                return importlib.util.spec_from_file_location(
                    fullname, file, loader=loader, submodule_search_locations=within
                )
        if any(file.startswith(f"{inside}/") for file in files):
            folder = importlib.machinery.ModuleSpec(fullname, None, is_package=True)
            folder.submodule_search_locations = [str(inside)]
            return folder
        raise ModuleNotFoundError(f"{inside}.py is not among the files that the plugin imports by name", name=fullname)


_FINDER = _Finder()
sys.meta_path.insert(0, _FINDER)  # before the one that would look into the folder
