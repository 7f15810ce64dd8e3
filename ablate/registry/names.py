"""Names that are looked up, and what is said of those that nothing has."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any, TypeVar

Choice = TypeVar("Choice")


class UnknownNameError(ValueError):
    """A name that nothing is registered under; the message lists what there is."""


class UnknownOptionError(ValueError):
    """An option that the registered function does not take; the message lists those it does."""


class OutOfRangeError(UnknownOptionError):
    """A number that is not finite, or beyond the limits that stand in the option's type; `allowed` says them."""

    def __init__(self, entry: str, option: str, value: Any, allowed: str) -> None:
        self.allowed = allowed
        super().__init__(f"option {option!r} of {entry} = {value!r} is out of range (allowed: {allowed})")


class AbsentError(ValueError):
    """Something on this machine that a registered function needs and that is not there; its options may be right."""


def chosen(option: str, name: str, choices: Mapping[str, Choice]) -> Choice:
    """Returns what the value of an option stands for.

    Raises:
        UnknownOptionError: if it is none of the choices; the message lists them.
    """
    if name not in choices:
        raise UnknownOptionError(unknown(option, name, list(choices)))
    return choices[name]


def unknown(kind: str, name: str, allowed: list[str]) -> str:
    """Says that `name` is no `kind`, which names there are, and which is nearest."""
    near = difflib.get_close_matches(name, allowed, n=1, cutoff=0.5)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    there = ", ".join(allowed) if allowed else "none"
    return f"unknown {kind} {name!r} (there is: {there}){hint}"
