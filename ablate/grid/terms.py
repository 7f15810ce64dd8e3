"""Reads a registered function and its options: `"lsgan"` or `{ name = "lsgan", real_target = 0.9 }`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ablate.grid.mistakes import Refusal, nearest, there_is, toml_text
from ablate.registry import Entry, OutOfRangeError, Registry, UnknownNameError, UnknownOptionError

TERMS_FORM = 'allowed: a list of names or tables { name = "…", option = … }'
TERM_FORM = 'allowed: a name or a table { name = "…", option = … }'


def read_term(registry: Registry, raw: Any) -> tuple[dict[str, Any] | None, list[Refusal]]:
    """Returns the term as a table of its name and the options given, or None and every reason against it."""
    table = {"name": raw} if isinstance(raw, str) else raw
    if not isinstance(table, dict):
        return None, [Refusal("wrong type", TERM_FORM)]
    if not isinstance(table.get("name"), str):
        return None, [Refusal("the name is missing", TERM_FORM)]
    try:
        entry = registry[table["name"]]
    except UnknownNameError as error:
        return None, [Refusal.from_sentence(str(error), () if isinstance(raw, str) else ("name",))]
    refusals = _refused_options(entry, {name: value for name, value in table.items() if name != "name"})
    return (None, refusals) if refusals else (table, [])


def read_terms(registry: Registry, raw: Any) -> tuple[tuple[dict[str, Any], ...] | None, list[Refusal]]:
    """Returns the terms of a list as tables, or None and every reason against it; a function may be named once."""
    if not isinstance(raw, list):
        return None, [Refusal("wrong type", TERMS_FORM)]
    terms: list[dict[str, Any]] = []
    refusals: list[Refusal] = []
    for index, item in enumerate(raw):
        term, against = read_term(registry, item)
        refusals += [replace(refusal, within=(index, *refusal.within)) for refusal in against]
        if term is not None and term["name"] in [other["name"] for other in terms]:
            refusals.append(Refusal(f"{term['name']} is named twice", within=(index,)))
        terms += [term] if term is not None else []
    return (None, refusals) if refusals else (tuple(terms), [])


def same_term(registry: Registry, term: Mapping[str, Any]) -> tuple[Any, ...]:
    """Returns the term with every option filled in, comparable."""
    return (term["name"], *sorted(_resolved(registry, term).items()))


def is_part_of(registry: Registry, part: Mapping[str, Any], term: Mapping[str, Any]) -> bool:
    """Returns whether `term` has the name and the options that `part` gives; the others do not matter."""
    full = _resolved(registry, term)
    return part["name"] == term["name"] and all(full[name] == part[name] for name in part if name != "name")


def term_text(registry: Registry, term: Mapping[str, Any]) -> str:
    """Writes a term as its name, with those options in parentheses that differ from their defaults."""
    parameters = registry[term["name"]].options
    told = {n: value for n, value in _resolved(registry, term).items() if value != parameters[n].default}
    inside = ", ".join(f"{name}={toml_text(value)}" for name, value in told.items())
    return f"{term['name']}({inside})" if inside else str(term["name"])


def _resolved(registry: Registry, term: Mapping[str, Any]) -> dict[str, Any]:
    return registry[term["name"]].resolve({name: value for name, value in term.items() if name != "name"})


def _refused_options(entry: Entry, options: dict[str, Any]) -> list[Refusal]:
    refusals = []
    for name, value in options.items():
        if name not in entry.options:
            refusals.append(_unknown_option(entry, name))
        else:
            refusals += _refused_value(entry, name, value, options)
    return refusals or _refused_whole(entry, options)


def _unknown_option(entry: Entry, name: str) -> Refusal:
    if not entry.options:
        return Refusal(f"{entry.name} has no options", within=(name,))
    hint = nearest(name, entry.options)
    return Refusal(f"unknown option of {entry.name}", there_is(entry.options), hint, (name,))


def _refused_value(entry: Entry, name: str, value: Any, options: dict[str, Any]) -> list[Refusal]:
    """Tries one option with only those beside it that the function cannot do without."""
    needed = [other for other, parameter in entry.options.items() if parameter.default is parameter.empty]
    if any(other not in options for other in needed):
        return []  # _refused_whole says so
    try:
        entry.resolve({**{other: options[other] for other in needed}, name: value})
    except OutOfRangeError as error:
        return [Refusal("out of range", f"allowed: {error.allowed}", within=(name,))]
    except UnknownOptionError as error:
        return [Refusal(str(error), within=(name,))]
    return []


def _refused_whole(entry: Entry, options: dict[str, Any]) -> list[Refusal]:
    try:
        entry.resolve(options)
    except UnknownOptionError as error:
        return [Refusal(str(error))]
    return []
