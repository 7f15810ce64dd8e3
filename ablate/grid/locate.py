"""Finds the line of every key and every list item of a TOML text: `tomllib` reads values but keeps no positions."""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_left
from typing import Any, NoReturn

KeyPath = tuple[str | int, ...]
"""Where a value lies in the parsed document: keys of tables and indices of lists."""

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_KEY_PART = r"(?:[A-Za-z0-9_-]+|\"(?:[^\"\\\n]|\\.)*\"|'[^'\n]*')"
_KEY = re.compile(rf"{_KEY_PART}(?:[ \t]*\.[ \t]*{_KEY_PART})*")
# A multi-line string may end in up to two quotes of its own.
_STRING = re.compile(r"\"\"\"(?:\\.|[^\\])*?\"{3,5}|'''.*?'{3,5}|\"(?:[^\"\\\n]|\\.)*\"|'[^'\n]*'", re.DOTALL)
# A date may be set off from its time by a space.
_SCALAR = re.compile(r"\d{4}-\d\d-\d\d [0-9:.]+[^\s,\]}#]*|[^\s,\]}#]+")


class Lines:
    """The line, counted from 1, of each key and list item."""

    def __init__(self, text: str) -> None:
        """Scans a text that `tomllib.loads` has accepted."""
        self.of: dict[KeyPath, int] = _Scanner(text).scan()

    def __getitem__(self, path: KeyPath) -> int:
        """Returns the line of `path`, or of the innermost part of it that is in the text."""
        while path and path not in self.of:
            path = path[:-1]
        return self.of.get(path, 1)


class _Scanner:
    """Walks once over the text; `position` moves, `lines` grows."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0
        self.lines: dict[KeyPath, int] = {}
        self._newlines = [i for i, character in enumerate(text) if character == "\n"]
        self._table_counts: dict[KeyPath, int] = {}

    def scan(self) -> dict[KeyPath, int]:
        table: KeyPath = ()
        self._skip_blank()
        while self.position < len(self.text):
            if self._take("[["):
                table = self._array_table_header()
            elif self._take("["):
                table = self._table_header()
            else:
                self._pair(table)
            self._skip_blank()
        return self.lines

    def _table_header(self) -> KeyPath:
        line = self._line()
        path: KeyPath = ()
        for part in self._header_key("]"):
            path = self._in_last_table(path)
            path += (part,)
            self.lines.setdefault(path, line)
        self.lines[path] = line  # also where a deeper header came first and implied it
        return path

    def _array_table_header(self) -> KeyPath:
        line = self._line()
        path: KeyPath = ()
        for part in self._header_key("]]"):
            path = self._in_last_table(path)
            path += (part,)
            self.lines.setdefault(path, line)
        index = self._table_counts.get(path, 0)
        self._table_counts[path] = index + 1
        path += (index,)
        self.lines[path] = line
        return path

    def _header_key(self, end: str) -> list[str]:
        self._skip_blank()
        parts = self._key()
        self._skip_blank()
        self._expect(end)
        return parts

    def _in_last_table(self, path: KeyPath) -> KeyPath:
        return (*path, self._table_counts[path] - 1) if path in self._table_counts else path

    def _pair(self, table: KeyPath) -> None:
        line = self._line()
        path = table
        for part in self._key():
            path += (part,)
            self.lines.setdefault(path, line)
        self._skip_blank()
        self._expect("=")
        self._value(path)

    def _key(self) -> list[str]:
        text = self._match(_KEY)
        node: Any = tomllib.loads(f"{text} = 0")  # its own reader undoes quotes and escapes
        parts: list[str] = []
        while isinstance(node, dict):
            part, node = next(iter(node.items()))
            parts.append(part)
        return parts

    def _value(self, path: KeyPath) -> None:
        self._skip_blank()
        if self._take("["):
            self._items(path)
        elif self._take("{"):
            self._inline_table(path)
        elif self.text[self.position] in "\"'":
            self._match(_STRING)
        else:
            self._match(_SCALAR)

    def _items(self, path: KeyPath) -> None:
        index = 0
        self._skip_blank()
        while not self._take("]"):
            self.lines[(*path, index)] = self._line()
            self._value((*path, index))
            self._skip_blank()
            self._take(",")
            self._skip_blank()
            index += 1

    def _inline_table(self, path: KeyPath) -> None:
        self._skip_blank()
        while not self._take("}"):
            self._pair(path)
            self._skip_blank()
            self._take(",")
            self._skip_blank()

    def _line(self) -> int:
        return bisect_left(self._newlines, self.position) + 1

    def _skip_blank(self) -> None:
        self._match(_BLANK)

    def _take(self, symbol: str) -> bool:
        found = self.text.startswith(symbol, self.position)
        self.position += len(symbol) if found else 0
        return found

    def _expect(self, symbol: str) -> None:
        if not self._take(symbol):
            self._lost(symbol)

    def _match(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self.text, self.position)
        if found is None:
            self._lost(pattern.pattern)
        self.position = found.end()
        return found.group()

    def _lost(self, expected: str) -> NoReturn:
        raise AssertionError(f"no {expected} at character {self.position} of a text that tomllib has read")
