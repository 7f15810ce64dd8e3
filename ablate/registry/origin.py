"""Where a registered function comes from, and what stands for one that is missing."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from ablate.registry.names import AbsentError


@dataclass(frozen=True)
class Origin:
    """Where things come from that the package itself does not bring.

    Attributes:
        place: the file, or the name of the module.
        defined_by: identifies the code: a hash of it, or distribution and version.
    """

    place: str
    defined_by: str


current_origin: ContextVar[Origin | None] = ContextVar("origin", default=None)
"""Where what is registered now comes from, as `defining` notes."""


def being_defined(function: Callable[..., Any] | None) -> Origin | None:
    """Returns where a function that is registered now comes from; None where it is the package itself."""
    ours = __name__.partition(".")[0]
    return None if function is None or function.__module__.partition(".")[0] == ours else current_origin.get()


def place_of(function: Callable[..., Any] | None) -> str:
    """Returns file and line of a function or class; empty where it has none."""
    of = inspect.unwrap(function) if function is not None else None
    code = getattr(of, "__code__", None)
    try:
        line = code.co_firstlineno if code is not None else inspect.getsourcelines(of)[1]  # type: ignore[arg-type]
        return f"{inspect.getsourcefile(of)}, line {line}"  # type: ignore[arg-type]
    except (OSError, TypeError):
        return ""


ABSENT = "missing"
"""Module of the functions that stand for others."""


def is_absent(function: Callable[..., Any] | None) -> bool:
    """Says whether a function stands for one that is missing."""
    return function is not None and function.__module__ == ABSENT


def absent(name: str, why: str, signature: inspect.Signature | None = None) -> Callable[..., Any]:
    """Returns a function that stands for one of a plugin that is missing."""

    def missing(*_given: Any, **_options: Any) -> Any:
        raise AbsentError(why)

    missing.__name__ = missing.__qualname__ = name
    missing.__module__ = ABSENT
    if signature is not None:
        missing.__signature__ = signature  # type: ignore[attr-defined]
    return missing
