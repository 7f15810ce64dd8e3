"""Finds a thing by name: one mechanism, of which every room makes its own catalogues."""

from __future__ import annotations

import contextlib
import difflib
import functools
import importlib
import inspect
import pkgutil
import sys
import types
import typing
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
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
class Origin:
    """Where things come from that the package itself does not bring.

    Attributes:
        place: the file, or the name of the module.
        defined_by: identifies the code: a hash of it, or distribution and version.
    """

    place: str
    defined_by: str


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
        if thing.name in self._entries and not _is_absent(self._functions.get(thing.name)):
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


class Registry(Catalogue[Entry]):
    """Functions of one kind by name.

    Where `facts` are given, each entry has these: its own, or the default that stands there unless that is REQUIRED.
    `check` gets what the function of a plugin returned, and that function, and returns it held to its contract.
    """

    def __init__(
        self,
        kind: str,
        *modules: str,
        facts: Mapping[str, Any] | None = None,
        check: Callable[[Any, Callable[..., Any]], Any] = lambda made, _function: made,
    ) -> None:
        super().__init__(kind, *modules)
        self._facts = facts
        self._check = check

    def register(
        self, *, formula: str = "", source: str = "", added: Mapping[str, str] = MappingProxyType({}), **facts: Any
    ) -> Callable[[Callable], Callable]:
        """Registers the decorated function under its own name; `added` names its options that came later.

        Raises:
            ValueError: if the name is taken, if a fact is missing or none that this registry knows, or if `added`
                names no option that has a default.
        """

        def decorate(function: Callable) -> Callable:
            name, origin = function.__name__, being_defined(function)
            called = function if origin is None else self._checked(function)
            entry = Entry(name, called, formula, source, self._complete(name, facts), added, origin)
            for option in added:
                if option not in entry.options or entry.options[option].default is inspect.Parameter.empty:
                    raise ValueError(
                        f"{self.kind} {name!r}: {option!r} was added later and is no option with a default"
                    )
            self.add(entry, function)
            return function

        return decorate

    def description(self, name: str) -> dict[str, Any]:
        """Returns options, settings and facts of an entry as plain data; facts that were not looked at are left out."""
        entry = self[name]
        parameters = inspect.signature(entry.function).parameters.values()
        plain = {key: fact for key, fact in _given(entry.facts).items() if isinstance(fact, float | int | bool | str)}
        return {
            "formula": entry.formula,
            "source": entry.source,
            "facts": {key: fact for key, fact in plain.items() if self._facts is None or key in self._facts},
            "options": {option: p.default for option, p in entry.options.items() if p.default is not p.empty},
            "settings": [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD],
        }

    def stand_in(self, name: str, description: Mapping[str, Any], why: str) -> None:
        given = inspect.Parameter
        parameters = [given(setting, given.POSITIONAL_OR_KEYWORD) for setting in description["settings"]]
        options = description["options"].items()
        parameters += [given(option, given.KEYWORD_ONLY, default=default) for option, default in options]
        function = absent(name, why, inspect.Signature(parameters))
        told = {key: description[key] for key in ("formula", "source")}
        self.register(**told, **description["facts"])(function)

    def _checked(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function, updated=())
        def checked(*given: Any, **options: Any) -> Any:
            return self._check(function(*given, **options), function)

        return checked

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


_catalogues: weakref.WeakSet[Catalogue[Any]] = weakref.WeakSet()
_origin: ContextVar[Origin | None] = ContextVar("origin", default=None)


def catalogues() -> tuple[Catalogue[Any], ...]:
    """Returns all catalogues that there are by now, by kind."""
    return tuple(sorted(_catalogues, key=lambda catalogue: catalogue.kind))


@contextlib.contextmanager
def defining(origin: Origin) -> Iterator[None]:
    """Notes for all that is registered in the block that it comes from there; where the block fails, nothing stays."""
    before = _origin.set(origin)
    try:
        yield
    except BaseException:
        for catalogue in catalogues():
            catalogue.forget(origin)
        raise
    finally:
        _origin.reset(before)


def being_defined(function: Callable[..., Any] | None) -> Origin | None:
    """Returns where a function that is registered now comes from; None where it is the package itself."""
    ours = __name__.partition(".")[0]
    return None if function is None or function.__module__.partition(".")[0] == ours else _origin.get()


ABSENT = "missing"
"""Module of the functions that stand for others."""


def _is_absent(function: Callable[..., Any] | None) -> bool:
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


def _given(facts: Mapping[str, Any]) -> Mapping[str, Any]:
    return facts.given if isinstance(facts, _Facts) else facts


def place_of(function: Callable[..., Any] | None) -> str:
    """Returns file and line of a function or class; empty where it has none."""
    of = inspect.unwrap(function) if function is not None else None
    code = getattr(of, "__code__", None)
    try:
        line = code.co_firstlineno if code is not None else inspect.getsourcelines(of)[1]  # type: ignore[arg-type]
        return f"{inspect.getsourcefile(of)}, line {line}"  # type: ignore[arg-type]
    except (OSError, TypeError):
        return ""


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
