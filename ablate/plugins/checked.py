"""What the functions of plugins return, held to what is asked of it; an error names file and line of the function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ablate.plugins.source import PluginError
from ablate.registry import place_of

Function = Callable[..., Any]


def complete(kind: str, *needed: str) -> Callable[[Any, Function], Any]:
    """Returns a check that what a plugin's function returned has all that its kind must have."""

    def check(made: Any, of: Function) -> Any:
        missing = [name for name in needed if not hasattr(type(made), name) and not hasattr(made, name)]
        if missing:
            raise broken(of, "returned", made, f"{kind} is expected, which has {', '.join(missing)}")
        return made

    return check


def broken(function: Function, what: str, value: Any, expected: str) -> PluginError:
    """Returns the error that a value is not what is expected of a function."""
    shape = getattr(value, "shape", None)
    found = f"{type(value).__name__} {value!r:.60}" if shape is None else f"a tensor {tuple(shape)} of {value.dtype}"
    name = getattr(function, "__qualname__", "it").replace(".<locals>", "")
    return PluginError(f"{place_of(function)}: {name} {what} {found}; {expected}")
