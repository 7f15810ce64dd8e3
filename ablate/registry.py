"""Finds a thing by name: one mechanism, of which every room makes its own catalogues."""

from __future__ import annotations

import contextlib
import difflib
import importlib
import inspect
import pkgutil
import sys
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Any, Generic, Protocol, TypeVar

from ablate.limits import allows, in_words

Choice = TypeVar("Choice")

REQUIRED = object()
"""Stands for a fact that every entry of a registry gives itself."""


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

    @property
    def options(self) -> Mapping[str, inspect.Parameter]:
        """The keyword-only arguments of the function: they are its configuration."""
        parameters = inspect.signature(self.function).parameters
        return {name: p for name, p in parameters.items() if p.kind is p.KEYWORD_ONLY}

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
        missing = [n for n, p in self.options.items() if p.default is p.empty and n not in options]
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

    @cached_property
    def _limits(self) -> Mapping[str, tuple[Any, ...]]:
        """The annotations of each option's type beside the type itself, as `Weight` has one."""
        written = types.SimpleNamespace(__annotations__={name: p.annotation for name, p in self.options.items()})
        hints = typing.get_type_hints(written, self.function.__globals__, include_extras=True)
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
        self._loaded = False

    def add(self, thing: Thing) -> Thing:
        """Adds a thing under its name.

        Raises:
            ValueError: if the name is taken.
        """
        if thing.name in self._entries:
            raise ValueError(f"{self.kind} {thing.name!r} is registered twice")
        self._entries[thing.name] = thing
        return thing

    def __getitem__(self, name: str) -> Thing:
        entries = self._load()
        if name not in entries:
            raise UnknownNameError(unknown(self.kind, name, list(entries)))
        return entries[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._load())

    @contextlib.contextmanager
    def temporarily(self) -> Iterator[None]:
        """Forgets at the end of the block what was added in it."""
        self._load()
        before = dict(self._entries)
        try:
            yield
        finally:
            self._entries = before

    def _load(self) -> Mapping[str, Thing]:
        if not self._loaded:
            for module in self._modules:
                package = importlib.import_module(module.removesuffix(".*"))
                if module.endswith(".*"):
                    for each in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
                        importlib.import_module(each.name)
            self._loaded = True
        return self._entries


class Registry(Catalogue[Entry]):
    """Functions of one kind by name.

    Where `facts` are given, each entry has these: its own, or the default that stands there unless that is REQUIRED.
    """

    def __init__(self, kind: str, *modules: str, facts: Mapping[str, Any] | None = None) -> None:
        super().__init__(kind, *modules)
        self._facts = facts

    def register(
        self, *, formula: str = "", source: str = "", added: Mapping[str, str] = MappingProxyType({}), **facts: Any
    ) -> Callable[[Callable], Callable]:
        """Registers the decorated function under its own name; `added` names its options that came later.

        Raises:
            ValueError: if the name is taken, if a fact is missing or none that this registry knows, or if `added`
                names no option that has a default.
        """

        def decorate(function: Callable) -> Callable:
            name = function.__name__
            entry = Entry(name, function, formula, source, self._complete(name, facts), added)
            for option in added:
                if option not in entry.options or entry.options[option].default is inspect.Parameter.empty:
                    raise ValueError(
                        f"{self.kind} {name!r}: {option!r} was added later and is no option with a default"
                    )
            self.add(entry)
            return function

        return decorate

    def _complete(self, name: str, facts: Mapping[str, Any]) -> Mapping[str, Any]:
        if self._facts is None:
            return facts
        complete = {**self._facts, **facts}
        wrong = [*(facts.keys() - self._facts.keys()), *(fact for fact in complete if complete[fact] is REQUIRED)]
        if wrong:
            raise ValueError(f"{self.kind} {name!r}: the fact {wrong[0]!r} is missing or unknown")
        return complete


class Extension(Registry):
    """The functions of another registry, whenever they are added there, and some of its own beside them."""

    def __init__(self, kind: str, base: Registry) -> None:
        super().__init__(kind)
        self._base = base

    def _load(self) -> Mapping[str, Entry]:
        return {**super()._load(), **self._base._load()}


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
