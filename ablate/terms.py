"""Functions by name with their options: how a setting names one of a registry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import Field, model_validator
from pydantic.fields import FieldInfo

from ablate.registry import Registry
from ablate.settings import Named


class Term(Named):
    """A registered function by name with its options; in a grid file a bare name stands for all defaults."""

    name: str
    options: dict[str, float | int | bool | str] = Field({})

    @model_validator(mode="before")
    @classmethod
    def _from_name(cls, value: Any) -> Any:
        if isinstance(value, str):
            return {"name": value}
        if isinstance(value, dict) and "options" not in value:
            return {"name": value.get("name"), "options": {k: v for k, v in value.items() if k != "name"}}
        return value


@dataclass(frozen=True)
class Resolve:
    """Looks a term up in its registry, fills in every option, and refuses values that the function itself refuses.

    Where the function needs more than its options, `called` is false and it is not asked.
    """

    registry: Registry
    called: bool = True

    def __call__(self, term: Term) -> Term:
        entry = self.registry[term.name]
        options = entry.resolve(term.options)
        if self.called:
            entry.refuse_what_it_refuses(options)
        # A term of a stored cell keeps what it was trained with, whatever the plugin holds today.
        return Term(name=term.name, options=options, defined_by=term.defined_by or entry.defined_by)


@dataclass(frozen=True)
class ResolveEach:
    """Looks each of several terms up in one registry; a function may be named once."""

    registry: Registry

    def __call__(self, terms: tuple[Term, ...]) -> tuple[Term, ...]:
        names = [term.name for term in terms]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice:
            raise ValueError(f"{self.registry.kind} {twice!r} is named twice")
        return tuple(Resolve(self.registry)(term) for term in terms)


def term_registry(info: FieldInfo, kind: type[Resolve] | type[ResolveEach] = Resolve) -> Registry | None:
    """Returns the registry that a setting names a function of, or several functions; None for any other setting."""
    functions = (getattr(validator, "func", None) for validator in info.metadata)
    return next((function.registry for function in functions if isinstance(function, kind)), None)
