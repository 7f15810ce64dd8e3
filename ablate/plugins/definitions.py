"""What a plugin defines, in plain data, and what stands for it where the plugin is missing."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from ablate.plugins.decorators import CATALOGUES, catalogue
from ablate.plugins.load import origin_of
from ablate.plugins.source import Source
from ablate.registry import Catalogue, Origin, defining


class Defined(NamedTuple):
    """A thing that a plugin defines: its decorator, its name, and facts as plain data."""

    kind: str
    name: str
    description: Mapping[str, Any]


def defined(source: Source) -> tuple[Defined, ...]:
    """Returns all that a plugin, which was loaded, has defined."""
    origin = origin_of(source)
    return tuple(
        Defined(kind, name, registered.description(name))
        for kind, registered in _used()
        for name in registered.of(origin)
    )


def stand_in(origin: Origin, things: Iterable[Defined], why: str) -> None:
    """Lets names be known whose plugin is missing, as far as they are free; what uses them raises AbsentError."""
    with defining(origin):
        for thing in things:
            registered = catalogue(thing.kind)
            if thing.name not in list(registered):
                registered.stand_in(thing.name, thing.description, why)


def _used() -> Iterator[tuple[str, Catalogue[Any]]]:
    """Yields the catalogues that anything was looked up in: importing the others would take seconds for nothing."""
    for kind, place in CATALOGUES.items():
        if place.partition(":")[0] in sys.modules:
            yield kind, catalogue(kind)
