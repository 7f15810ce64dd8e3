"""Functions of one kind by name, with formula, source and facts."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from ablate.registry.catalogue import Catalogue
from ablate.registry.entry import REQUIRED, Entry, given_facts
from ablate.registry.origin import absent, being_defined


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
        plain = {
            key: fact for key, fact in given_facts(entry.facts).items() if isinstance(fact, float | int | bool | str)
        }
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
