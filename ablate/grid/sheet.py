"""A grid file while it is read: its tables, where everything lies, and every mistake found so far."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from ablate.config import Settings
from ablate.grid.keys import Key, keys_of
from ablate.grid.locate import KeyPath, Lines
from ablate.grid.mistakes import GridError, Mistake, Refusal, nearest, there_is, toml_text

AnySettings = TypeVar("AnySettings", bound=Settings)

LONGEST = 80
"""Characters of a value that a mistake repeats."""

DEEPEST = 50
"""Levels of tables and lists within each other."""

_ABSENT = object()


class Sheet:
    """Reads parts of one file and collects what is wrong with them; None stands for what could not be read."""

    def __init__(self, path: Path, text: str) -> None:
        """Parses the text.

        Raises:
            GridError: if it is not TOML, or holds what no program reads; nothing else can be said then.
        """
        self.path = path
        self.mistakes: list[Mistake] = []
        self.refused_keys: set[str] = set()
        try:
            self.data: dict[str, Any] = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise GridError([_syntax_mistake(path, text, error)]) from error
        except (ValueError, RecursionError) as error:
            raise GridError([_limit_mistake(path, text, error)]) from error
        self._lines = Lines(text)
        self._require_readable()

    @classmethod
    def open(cls, path: Path) -> Sheet:
        """Reads a file.

        Raises:
            GridError: if there is no such file, or if it is not UTF-8 or not TOML.
        """
        try:
            # Editors on Windows begin a file with a mark that TOML does not know.
            return cls(path, path.read_bytes().decode("utf-8-sig"))
        except OSError as error:
            raise GridError([Mistake(path, 1, "", "", f"cannot be read: {error.strerror}")]) from error
        except UnicodeDecodeError as error:
            line = error.object.count(b"\n", 0, error.start) + 1
            raise GridError([Mistake(path, line, "", "", "not UTF-8")]) from error

    def _require_readable(self) -> None:
        """Refuses numbers and nesting that TOML's readers need not take, before anything repeats or walks them."""
        inside: list[tuple[KeyPath, Any]] = [((), self.data)]
        while inside:
            where, value = inside.pop()
            if isinstance(value, int) and value.bit_length() > 63:
                self.report(where, str(where[-1]), "out of range", allowed="allowed: a whole number of 64 bits")
            elif isinstance(value, dict | list) and len(where) > DEEPEST:
                self.report(where, str(where[0]), "nested too deeply", allowed=f"allowed: {DEEPEST} levels")
            elif isinstance(value, dict):
                inside += [((*where, key), part) for key, part in value.items()]
            elif isinstance(value, list):
                inside += [((*where, index), part) for index, part in enumerate(value)]
        if self.mistakes:
            raise GridError(self.mistakes)

    def has(self, where: KeyPath) -> bool:
        return where in self._lines.of

    def line(self, where: KeyPath) -> int:
        return self._lines[where]

    def report(
        self, where: KeyPath, key: str, problem: str, *, found: Any = _ABSENT, allowed: str = "", hint: str = ""
    ) -> None:
        """Notes a mistake at `where`."""
        text = "" if found is _ABSENT else toml_text(found)
        text = f"{text[:LONGEST]}…" if len(text) > LONGEST else text
        mistake = Mistake(self.path, self.line(where), key, text, problem, allowed, hint)
        if mistake not in self.mistakes:
            self.mistakes.append(mistake)

    def read(self, key: Key, raw: Any, where: KeyPath, name: str = "") -> Any:
        """Returns the typed value of a key, None where it is refused."""
        value, refusals = key.read(raw)
        for refusal in refusals:
            self.refuse(refusal, raw, where, name or key.name)
        return value

    def refuse(self, refusal: Refusal, raw: Any, where: KeyPath, name: str) -> None:
        """Notes that a value, or the part of it that the refusal names, is not accepted."""
        for part in refusal.within:
            raw = raw[part]
            name += f"[{part}]" if isinstance(part, int) else f".{part}"
        at = (*where, *refusal.within)
        self.report(at, name, refusal.problem, found=raw, allowed=refusal.allowed, hint=refusal.hint)

    def unknown_key(self, where: KeyPath, key: str, siblings: list[str], hint: str = "") -> None:
        """Notes a key that means nothing here; the last part of `key` is what was written."""
        hint = hint or nearest(str(where[-1]), siblings)
        self.report(where, key, "unknown key", allowed=there_is(siblings), hint=hint)

    def table(self, name: str) -> dict[str, Any]:
        """Returns a table of the top level, empty where the file has none."""
        table = self.data.get(name, {})
        if isinstance(table, dict):
            return table
        self.report((name,), name, "wrong type", found=table, allowed=f"allowed: a table [{name}]")
        return {}

    def tables(self, name: str) -> Iterator[tuple[KeyPath, dict[str, Any]]]:
        """Goes through the tables [[name]]."""
        tables = self.data.get(name, [])
        if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
            self.report((name,), name, "wrong type", allowed=f"allowed: tables under [[{name}]]")
            return
        for index, table in enumerate(tables):
            yield (name, index), table

    def section(self, name: str, settings: type[AnySettings]) -> AnySettings:
        """Reads a table of the top level as settings; what is refused keeps its default."""
        return self.settings((name,), name, self.table(name), settings) or settings()

    def settings(
        self, at: KeyPath, name: str, table: dict[str, Any], settings: type[AnySettings]
    ) -> AnySettings | None:
        """Reads the table that lies at `at` as settings; returns None where they contradict each other."""
        keys = keys_of(settings)
        values = {}
        for part, raw in table.items():
            where = (*at, part)
            if part not in keys:
                self.unknown_key(where, f"{name}.{part}", list(keys))
                continue
            value = self.read(keys[part], raw, where, f"{name}.{part}")
            if value is not None:
                values[part] = value
        try:
            return settings.model_validate(values, strict=True)
        except ValidationError as error:
            for detail in error.errors(include_url=False):
                self.report(at, name, str(detail["ctx"]["error"]))
            return None


def _syntax_mistake(path: Path, text: str, error: tomllib.TOMLDecodeError) -> Mistake:
    """Python 3.11 tells the position only within the message."""
    message = str(error)
    at = re.search(r" \(at line (\d+), column \d+\)$", message)
    end = len(text.rstrip().splitlines()) or 1
    return Mistake(path, int(at[1]) if at else end, "", "", f"not TOML: {re.sub(r' [(]at [^)]*[)]$', '', message)}")


def _limit_mistake(path: Path, text: str, error: ValueError | RecursionError) -> Mistake:
    """Python's reader gives up on nesting by its own depth, and on numbers of more than 4,300 digits."""
    if isinstance(error, RecursionError):
        lines = text.splitlines()
        deepest = max(range(len(lines)), key=lambda number: lines[number].count("[") + lines[number].count("{"))
        return Mistake(path, deepest + 1, "", "", "nested too deeply", f"allowed: {DEEPEST} levels")
    long = re.search(r"[\d_]{4300}", text)
    line = text.count("\n", 0, long.start()) + 1 if long else 1
    return Mistake(path, line, "", "", "out of range", "allowed: a whole number of 64 bits")
