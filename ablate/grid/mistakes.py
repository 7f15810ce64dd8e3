"""Mistakes in a grid file: where, what was found, what is allowed and what was probably meant."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Mistake:
    """One thing to mend in a grid file; as text, one line that begins with file:line.

    `found` is the value as TOML (empty where a key is missing or unknown), `allowed` and `hint` may be empty.
    """

    path: Path
    line: int
    key: str
    found: str
    problem: str
    allowed: str = ""
    hint: str = ""

    def __str__(self) -> str:
        subject = " = ".join(part for part in (self.key, self.found) if part)
        allowed = f" ({self.allowed})" if self.allowed else ""
        hint = f"; {self.hint}" if self.hint else ""
        return f"{self.path}:{self.line}: {subject}{': ' if subject else ''}{self.problem}{allowed}{hint}"


class GridError(ValueError):
    """A grid file that cannot be run; carries every mistake in it, and says one a line."""

    def __init__(self, mistakes: Iterable[Mistake]) -> None:
        self.mistakes = tuple(sorted(mistakes, key=lambda mistake: mistake.line))
        assert self.mistakes
        super().__init__("\n".join(str(mistake) for mistake in self.mistakes))


@dataclass(frozen=True)
class Refusal:
    """Why a value is not accepted; `within` leads from the value to the part of it that is wrong."""

    problem: str
    allowed: str = ""
    hint: str = ""
    within: tuple[str | int, ...] = ()

    @classmethod
    def from_sentence(cls, sentence: str, within: tuple[str | int, ...] = ()) -> Refusal:
        """Takes apart what `ablate.registry.unknown` has put together; any other sentence is all problem."""
        parts = re.fullmatch(r"(.*?) \((there is: [^)]*)\)(?:; (.*))?", sentence, re.DOTALL)
        if parts is None:
            return cls(sentence, within=within)
        return cls(parts[1], parts[2], parts[3] or "", within)


def there_is(names: Iterable[Any]) -> str:
    """Lists what may be written."""
    return "there is: " + (", ".join(str(name) for name in names) or "nothing")


def nearest(name: str, names: Iterable[str]) -> str:
    """Asks for the name that was probably meant, in the words of the registry; empty where none is near."""
    near = difflib.get_close_matches(name, list(names), n=1, cutoff=0.5)
    return f"did you mean {near[0]!r}?" if near else ""


def toml_text(value: Any) -> str:
    """Writes a value as it could stand in a grid file."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, dict):
        inside = ", ".join(f"{toml_key(key)} = {toml_text(part)}" for key, part in value.items())
        return f"{{ {inside} }}" if inside else "{}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(toml_text(part) for part in value) + "]"
    return str(value)


def toml_key(key: str) -> str:
    """Writes a key of one part, quoted where it has dots or spaces."""
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else json.dumps(key, ensure_ascii=False)
