"""Things of one kind by name, those of the package and those of plugins."""

from __future__ import annotations

import contextlib
import importlib
import pkgutil
import weakref
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Generic, Protocol, TypeVar

from ablate.registry.names import UnknownNameError, unknown
from ablate.registry.origin import Origin, being_defined, current_origin, is_absent, place_of


class Named(Protocol):
    """A thing that a catalogue can hold."""

    @property
    def name(self) -> str: ...


Thing = TypeVar("Thing", bound=Named)


class Catalogue(Generic[Thing]):
    """Things of one kind by name.

    The modules that add them are imported at the first look-up, so that naming a catalogue costs nothing; "room.*"
    stands for every module of that package.
    """

    def __init__(self, kind: str, *modules: str) -> None:
        self.kind = kind
        self._modules = modules
        self._entries: dict[str, Thing] = {}
        self._origins: dict[str, Origin] = {}
        self._functions: dict[str, Callable[..., Any]] = {}
        self._loaded = False
        _catalogues.add(self)

    def add(self, thing: Thing, function: Callable[..., Any] | None = None) -> Thing:
        """Adds a thing under its name; `function` defines it.

        Raises:
            ValueError: if the name is taken; says where both are defined.
        """
        origin = being_defined(function)
        if origin is not None:
            self._load()  # what the package brings has its names first
        if thing.name in self._entries and not is_absent(self._functions.get(thing.name)):
            both = [place for each in (self._functions.get(thing.name), function) if (place := place_of(each))]
            said = f": in {both[0]} and in {both[1]}" if len(both) > 1 else ""
            raise ValueError(f"{self.kind} {thing.name!r} is registered twice{said}")
        self._entries[thing.name] = thing
        if function is not None:
            self._functions[thing.name] = function
        if origin is not None:
            self._origins[thing.name] = origin
        return thing

    def origin(self, name: str) -> Origin | None:
        """Returns where a thing comes from; None for what the package brings itself."""
        return self._origins.get(name)

    def origins(self) -> set[Origin]:
        """Returns where all things come from that the package does not bring."""
        return set(self._origins.values())

    def of(self, origin: Origin) -> tuple[str, ...]:
        """Returns the names of what comes from there."""
        return tuple(name for name, other in self._origins.items() if other == origin)

    def forget(self, origin: Origin) -> None:
        """Takes out what comes from there."""
        for name in self.of(origin):
            del self._entries[name], self._origins[name]
            self._functions.pop(name, None)

    def __getitem__(self, name: str) -> Thing:
        entries = self._load()
        if name not in entries:
            raise UnknownNameError(unknown(self.kind, name, list(entries)))
        return entries[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._load())

    def description(self, name: str) -> dict[str, Any]:  # noqa: ARG002
        """Returns plain data from which `stand_in` makes something of that name."""
        return {}

    def stand_in(self, name: str, description: Mapping[str, Any], why: str) -> None:
        """Adds something with the name and facts of what is missing, which raises AbsentError where it is used."""

    @contextlib.contextmanager
    def temporarily(self) -> Iterator[None]:
        """Forgets at the end of the block what was added in it."""
        self._load()
        before, origins = dict(self._entries), dict(self._origins)
        try:
            yield
        finally:
            self._entries, self._origins = before, origins

    def _load(self) -> Mapping[str, Thing]:
        if not self._loaded:
            for module in self._modules:
                package = importlib.import_module(module.removesuffix(".*"))
                if module.endswith(".*"):
                    for each in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
                        importlib.import_module(each.name)
            self._loaded = True
        return self._entries


_catalogues: weakref.WeakSet[Catalogue[Any]] = weakref.WeakSet()


def catalogues() -> tuple[Catalogue[Any], ...]:
    """Returns all catalogues that there are by now, by kind."""
    return tuple(sorted(_catalogues, key=lambda catalogue: catalogue.kind))


@contextlib.contextmanager
def defining(origin: Origin) -> Iterator[None]:
    """Notes for all that is registered in the block that it comes from there; where the block fails, nothing stays."""
    before = current_origin.set(origin)
    try:
        yield
    except BaseException:
        for catalogue in catalogues():
            catalogue.forget(origin)
        raise
    finally:
        current_origin.reset(before)
