"""One registered function with its facts; its keyword-only arguments are its options."""

from __future__ import annotations

import contextlib
import functools
import inspect
import sys
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ablate.limits import allows, in_words
from ablate.registry.names import AbsentError, OutOfRangeError, UnknownOptionError, unknown
from ablate.registry.origin import Origin

REQUIRED = object()
"""Stands for a fact that every entry of a registry gives itself."""


@dataclass(frozen=True)
class Computed:
    """Stands for a fact that is found by a function of the entry at the first look, where the entry gives none."""

    function: Callable[[Entry], Any]


class _Facts(Mapping[str, Any]):
    """Facts of an entry, of which some are found when they are looked at."""

    def __init__(self, entry: Entry, given: Mapping[str, Any]) -> None:
        self._entry = entry
        self.given = dict(given)

    def __getitem__(self, name: str) -> Any:
        found = self.given[name]
        if isinstance(found, Computed):
            found = self.given[name] = found.function(self._entry)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self.given)

    def __len__(self) -> int:
        return len(self.given)


@dataclass(frozen=True)
class Entry:
    """A registered function with the facts that documents, reports and checks read from it."""

    name: str
    function: Callable[..., Any]
    formula: str
    source: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    added: Mapping[str, str] = field(default_factory=dict)
    """Options that came later, with the version of the package that had them first."""
    origin: Origin | None = None
    """None for what the package brings itself."""

    def __post_init__(self) -> None:
        if any(isinstance(fact, Computed) for fact in self.facts.values()):
            object.__setattr__(self, "facts", _Facts(self, self.facts))

    @property
    def defined_by(self) -> str:
        """What identifies the code that defines it; empty for what the package brings itself."""
        return self.origin.defined_by if self.origin else ""

    @property
    def options(self) -> Mapping[str, inspect.Parameter]:
        """The keyword-only arguments of the function: they are its configuration."""
        parameters = inspect.signature(self.function).parameters
        return {name: p for name, p in parameters.items() if p.kind is p.KEYWORD_ONLY}

    @property
    def required(self) -> tuple[str, ...]:
        """The options without a default."""
        return tuple(name for name, parameter in self.options.items() if parameter.default is parameter.empty)

    def resolve(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Returns every option with its value, defaults filled in.

        An option that was added later is left out at its default, so that settings from before stay what they were.

        Raises:
            UnknownOptionError: for an option that the function does not take.
            OutOfRangeError: for a number that is not finite, or beyond the limits of the option's type.
        """
        for name in options:
            if name not in self.options:
                raise UnknownOptionError(unknown(f"option of {self.name}", name, list(self.options)))
        missing = [name for name in self.required if name not in options]
        if missing:
            raise UnknownOptionError(f"{self.name} needs the option {missing[0]!r}")
        values = {name: self._typed(name, options.get(name, p.default), p.default) for name, p in self.options.items()}
        as_before = [name for name in self.added if values[name] == self.options[name].default]
        return {name: value for name, value in values.items() if name not in as_before}

    def refuse_what_it_refuses(self, options: Mapping[str, Any]) -> None:
        """Calls the function, so that values which it does not take are known before a training needs it.

        Raises:
            ValueError: by the function itself; not for files that are absent, which another machine may have.
        """
        with contextlib.suppress(AbsentError):
            self.function(**options)

    @functools.cached_property
    def _limits(self) -> Mapping[str, tuple[Any, ...]]:
        """The annotations of each option's type beside the type itself, as `Weight` has one."""
        written = types.SimpleNamespace(__annotations__={name: p.annotation for name, p in self.options.items()})
        of = inspect.unwrap(self.function)
        names = getattr(of, "__globals__", None) or vars(sys.modules[of.__module__])
        hints = typing.get_type_hints(written, names, include_extras=True)
        return {name: getattr(hint, "__metadata__", ()) for name, hint in hints.items()}

    def _typed(self, name: str, value: Any, default: Any) -> Any:
        if type(default) is float and type(value) is int and abs(value) <= sys.float_info.max:
            value = float(value)
        if type(default) in (int, float) and type(value) in (int, float) and not allows(self._limits[name], value):
            kind = "whole" if type(default) is int else "finite"
            raise OutOfRangeError(self.name, name, value, f"a {kind} number{in_words(self._limits[name])}")
        if default is not inspect.Parameter.empty and type(value) is not type(default):
            raise UnknownOptionError(
                f"option {name!r} of {self.name} is {type(default).__name__} (default {default!r}), not {value!r}"
            )
        return value


def given_facts(facts: Mapping[str, Any]) -> Mapping[str, Any]:
    """Returns facts without looking for those that are found at the first look."""
    return facts.given if isinstance(facts, _Facts) else facts
