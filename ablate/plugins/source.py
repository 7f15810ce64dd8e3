"""Source of a plugin: the files that define it, and what identifies them in the id of a cell."""

from __future__ import annotations

import ast
import hashlib
import importlib.machinery
import importlib.metadata
import importlib.util
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath


class PluginError(ValueError):
    """A plugin that cannot be used; the message names its file and, where there is one, the line."""


@dataclass(frozen=True)
class Source:
    """A plugin at rest.

    Attributes:
        name: what messages and records call it: the path or module as it was named.
        place: absolute path of its file; the module's name where it is imported by that.
        defined_by: sha256 of its files, or distribution and version; part of the identity of what it defines.
        files: content of its file, which is the first, and of those of its folder that it imports, by relative path;
            none for an installed distribution.
    """

    name: str
    place: str
    defined_by: str
    files: Mapping[str, bytes]

    @property
    def is_file(self) -> bool:
        """Whether it is loaded from its path."""
        return self.place.endswith(".py")


def source_of_file(path: Path, name: str = "") -> Source:
    """Reads a file and what it imports from its folder; runs nothing.

    Raises:
        PluginError: where a file cannot be read, or is no Python.
    """
    path = path.absolute()
    if path.suffix != ".py" or "." in path.stem:
        raise PluginError(f"{path} is no plugin: its name is letters, digits, - and _, and ends in .py")
    files = _closure(path.parent, path.relative_to(path.parent).as_posix(), "")
    return Source(name or str(path), str(path), _sha256(files), files)


def source_of_module(module: str) -> Source:
    """Finds a module; runs nothing.

    A distribution that was installed is identified by name and version; what is imported from a directory that one
    may edit, by the content of its files.

    Raises:
        PluginError: where there is no such module.
    """
    spec = _found(module)
    if spec is None or spec.origin is None:
        raise PluginError(f"there is no module {module} that this Python finds")
    top, path = module.partition(".")[0], Path(spec.origin)
    if installed := _distribution(top):
        return Source(module, module, installed, {})
    root = path.parents[module.count(".") + (path.name == "__init__.py")]
    files = _closure(root, path.relative_to(root).as_posix(), top)
    return Source(module, module, _sha256(files), files)


def _found(module: str) -> importlib.machinery.ModuleSpec | None:
    """Returns where a module lies; the packages around it are not imported, which would register what they define."""
    top, *inside = module.split(".")
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        return None
    for depth in range(len(inside)):
        if spec is None or spec.submodule_search_locations is None:
            return None
        name = ".".join((top, *inside[: depth + 1]))
        spec = importlib.machinery.PathFinder.find_spec(name, list(spec.submodule_search_locations))
    return spec


def _distribution(top: str) -> str:
    """Returns name and version of the distribution that brings a package; empty where its files may be edited."""
    for name in importlib.metadata.packages_distributions().get(top, ()):
        found = importlib.metadata.distribution(name)
        direct = json.loads(found.read_text("direct_url.json") or "{}")
        if not direct.get("dir_info", {}).get("editable"):
            return f"{name} {found.version}"
    return ""


def _sha256(files: Mapping[str, bytes]) -> str:
    """Returns the hash of the files' content; the first may be renamed."""
    digest = hashlib.sha256()
    first, *others = files
    for name in (first, *sorted(others)):
        digest.update(f"{name if name != first else ''}\0{len(files[name])}\0".encode() + files[name])
    return digest.hexdigest()


def _closure(root: Path, first: str, top: str) -> dict[str, bytes]:
    """Returns a file below `root` and all that it imports from there, by relative path.

    Relative imports count, and absolute ones of the package `top`; imports inside functions, too.
    """
    found: dict[str, bytes] = {}
    waiting = [first]
    while waiting:
        name = waiting.pop(0)
        if name in found:
            continue
        found[name] = _read(root / name)
        waiting += _imported(root, name, _parsed(root / name, found[name]), top)
    return found


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        reason = "is missing" if isinstance(error, FileNotFoundError) else f"cannot be read: {error.strerror}"
        raise PluginError(f"{path} {reason}") from error


def _parsed(path: Path, content: bytes) -> ast.Module:
    try:
        return ast.parse(content, str(path))
    except SyntaxError as error:
        raise PluginError(f"{path}, line {error.lineno or 1}: {type(error).__name__}: {error.msg}") from error
    except (ValueError, RecursionError) as error:
        raise PluginError(f"{path}: it is no Python ({error})") from error


def _imported(root: Path, name: str, tree: ast.Module, top: str) -> Iterator[str]:
    """Yields the files below `root` that a file imports."""
    package = PurePosixPath(name).parent.parts
    for node in ast.walk(tree):
        dotted: list[tuple[str, ...]] = []
        if isinstance(node, ast.ImportFrom) and (node.level or (node.module or "").partition(".")[0] == top):
            up = package[: len(package) + 1 - node.level] if node.level else ()
            base = (*up, *(node.module.split(".") if node.module else ()))
            dotted = [base, *((*base, alias.name) for alias in node.names)]
        elif isinstance(node, ast.Import):
            dotted = [tuple(alias.name.split(".")) for alias in node.names if alias.name.partition(".")[0] == top]
        for parts in dotted:
            yield from _files_of(root, parts)


def _files_of(root: Path, parts: tuple[str, ...]) -> Iterator[str]:
    """Yields the file of a module and those of the packages that it lies in, as far as there are such files."""
    for depth in range(1, len(parts) + 1):
        inside = "/".join(parts[:depth])
        for candidate in (f"{inside}/__init__.py", f"{inside}.py"):
            if (root / candidate).is_file():
                yield candidate
                break
