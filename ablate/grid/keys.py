"""Keys of a grid file: the values that each may hold, read off the typed settings, and how one is read."""

from __future__ import annotations

import types
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from ablate.config import ResolveEach, Settings, term_registry
from ablate.grid.mistakes import Refusal, nearest, there_is, toml_text
from ablate.grid.terms import is_part_of, read_term, read_terms, same_term, term_text
from ablate.limits import in_words
from ablate.registry import Registry

_OUT_OF_RANGE = {"greater_than", "greater_than_equal", "less_than", "less_than_equal", "finite_number"}


@dataclass(frozen=True)
class Key:
    """One key: its dotted name and the type that a value is read as.

    Where a value names a function, `registry` holds it; where it is a list of such, `items` does.
    """

    name: str
    annotation: Any
    metadata: tuple[Any, ...] = ()
    description: str | None = None
    registry: Registry | None = None
    items: Registry | None = None

    @classmethod
    def of_field(cls, name: str, info: FieldInfo) -> Key:
        registry, items = term_registry(info), term_registry(info, ResolveEach)
        return cls(name, info.annotation, tuple(info.metadata), info.description, registry, items)

    @property
    def allowed(self) -> str:
        """The allowed values, in words."""
        if self.description:
            return f"allowed: {self.description}"
        choices = _choices(self.annotation)
        if choices and get_origin(self.annotation) is Literal:
            return there_is(choices)
        return f"allowed: {_in_words(self.annotation, self.metadata)}"

    @property
    def is_integer(self) -> bool:
        """Whether a number is a whole one."""
        return self.annotation is int or all(type(choice) is int for choice in _choices(self.annotation) or [""])

    @property
    def is_number(self) -> bool:
        """Whether a range of numbers makes sense."""
        return self.is_integer or self.annotation in (float, _SCALAR)

    def read(self, raw: Any) -> tuple[Any, list[Refusal]]:
        """Returns the typed value, or None and why it is refused; a term stays a table of the options given."""
        if self.registry is not None:
            return read_term(self.registry, raw)
        if self.items is not None:
            return read_terms(self.items, raw)
        value = int(raw) if self.is_integer and isinstance(raw, float) and raw.is_integer() else raw
        try:
            return self._adapter.validate_python(value, strict=True), []
        except ValidationError as error:
            return None, self._refusals(raw, error)

    def text(self, value: Any) -> Any:
        """Returns a read value as plain data for people: a term becomes its name and the options that differ."""
        if self.items is not None:
            return " + ".join(term_text(self.items, term) for term in value) or "none"
        if self.registry is not None:
            return term_text(self.registry, value)
        return toml_text(value) if isinstance(value, dict) else value

    def same(self, value: Any) -> Any:
        """Returns what two read values share exactly if they mean the same."""
        if self.items is not None:
            return tuple(same_term(self.items, term) for term in value)
        if self.registry is not None:
            return same_term(self.registry, value)
        return tuple(sorted(value.items())) if isinstance(value, dict) else value

    def is_part(self, part: Any, whole: Any) -> bool:
        """Returns whether a read value is a term with the name and the options that another one gives."""
        return self.registry is not None and is_part_of(self.registry, part, whole)

    @cached_property
    def _adapter(self) -> TypeAdapter[Any]:
        annotated: Any = Annotated[self.annotation, *self.metadata] if self.metadata else self.annotation
        return TypeAdapter(annotated, config=ConfigDict(allow_inf_nan=False))

    def _refusals(self, raw: Any, error: ValidationError) -> list[Refusal]:
        """One refusal for each part of the value: a union says one thing for each of its members."""
        found: dict[tuple[str | int, ...], Refusal] = {}
        for detail in error.errors(include_url=False):
            within, value = _inside(raw, detail["loc"])
            if detail["type"] == "value_error":
                found[within] = Refusal.from_sentence(str(detail["ctx"]["error"]), within)
            elif detail["type"] == "too_short":
                # Items that are refused are not counted, and were told already.
                if len(value) < detail["ctx"]["min_length"]:
                    found[within] = Refusal("too few", self.allowed, within=within)
            elif detail["type"] in _OUT_OF_RANGE:
                found[within] = Refusal("out of range", self.allowed, within=within)
            elif detail["type"] == "literal_error" and type(value) in map(type, _choices(self.annotation)):
                hint = nearest(value, _choices(self.annotation)) if isinstance(value, str) else ""
                found[within] = Refusal("unknown value", self.allowed, hint, within)
            else:
                found.setdefault(within, Refusal("wrong type", self.allowed, within=within))
        return list(found.values())


_SCALAR = float | int | bool | str


@cache
def keys_of(settings: type[Settings]) -> dict[str, Key]:
    """Returns the keys that a group of settings may hold itself, by their bare name."""
    return {name: Key.of_field(name, info) for name, info in settings.model_fields.items()}


def option_key(term: Key, option: str) -> Key:
    """Returns the key of one option of a term; whether a term has it is known where both are put together."""
    return Key(f"{term.name}.{option}", _SCALAR, description="a number, true or false, or a string")


def _inside(raw: Any, location: tuple[str | int, ...]) -> tuple[tuple[str | int, ...], Any]:
    """Follows the location of an error as far as it lies in the value; the rest names members of unions."""
    within: tuple[str | int, ...] = ()
    for part in location:
        is_item = isinstance(raw, list | tuple) and isinstance(part, int) and part < len(raw)
        if not is_item and not (isinstance(raw, dict) and part in raw):
            break
        raw, within = raw[part], (*within, part)
    return within, raw


def _choices(annotation: Any) -> list[Any]:
    if get_origin(annotation) is Literal:
        return list(get_args(annotation))
    return [choice for part in _members(annotation) for choice in _choices(part)]


def _members(annotation: Any) -> Iterator[Any]:
    if get_origin(annotation) in (Union, types.UnionType):
        yield from (member for member in get_args(annotation) if member is not type(None))


def _in_words(annotation: Any, metadata: tuple[Any, ...]) -> str:
    members = list(_members(annotation))
    if members:
        return " or ".join(_in_words(member, metadata) for member in members)
    if get_origin(annotation) is Annotated:
        return _in_words(annotation.__origin__, (*metadata, *annotation.__metadata__))
    if get_origin(annotation) is Literal:
        return ", ".join(f'"{choice}"' for choice in get_args(annotation))
    words = {int: "a whole number", float: "a number", bool: "true or false", str: "a string"}
    assert annotation in words, f"{annotation} needs a description"
    return words[annotation] + in_words(metadata)
