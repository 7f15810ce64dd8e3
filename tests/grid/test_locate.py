"""Lines of keys, checked against what `tomllib` reads and against documents whose lines are known."""

from __future__ import annotations

import random
import tomllib
from collections.abc import Iterator
from typing import Any

import pytest

from ablate.grid import preset_names, preset_text
from ablate.grid.locate import KeyPath, Lines

KEYS = ["a", "b-c", "d_1", "42", '"loss.adversarial"', "'li.teral'", '"esc\\"aped"', '"# no comment"', '"é = [x]"']
SCALARS = ["1", "-2.5e3", "true", '"x"', "'y'", "1979-05-27", "1979-05-27 07:32:00", "07:32:00", "0xff", "inf"]
STRINGS = [
    '"# no comment"', "'[not.a.table]'", '"a \\" b"', '"""one"""', "'''two'''", '"""two quotes: \\"\\""""""',
    '"""\n[no.table]\nx = 1\n"""', "'''\n# no\n'''", '"""a""""', "'''a'''''",
]  # fmt: skip


def paths(value: Any, path: KeyPath = ()) -> Iterator[KeyPath]:
    """Goes through every key and list item of a parsed document."""
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for part, inner in parts:
        yield (*path, part)
        yield from paths(inner, (*path, part))


class Writer:
    """Writes a random document and remembers the line of each key that it writes."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.text = ""
        self.lines: dict[KeyPath, int] = {}
        self.number = 0

    @property
    def line(self) -> int:
        return self.text.count("\n") + 1

    def key(self) -> tuple[str, str]:
        """Returns a new key as written and as read."""
        self.number += 1
        raw = self.random.choice(KEYS)
        quote = raw[0] if raw[0] in "\"'" else ""
        raw = f"{raw.strip(quote)}{self.number}" if quote else f"{raw}{self.number}"
        written = f"{quote}{raw}{quote}" if quote else raw
        return written, next(iter(tomllib.loads(f"{written} = 0")))

    def write(self) -> str:
        self.noise()
        for _ in range(self.random.randrange(4)):
            self.pair(())
        for _ in range(self.random.randrange(1, 6)):
            self.table()
        return self.text

    def noise(self) -> None:
        self.text += self.random.choice(["", "\n", "# comment = [1]\n", '\n\n  # "quoted\n', "\t\n"])

    def table(self) -> None:
        (first, first_name), (second, second_name) = self.key(), self.key()
        kind = self.random.choice(["plain", "deep", "array", "array in array"])
        if kind == "plain":
            self.header(f"[ {first} ]", (first_name,))
            self.body((first_name,))
        elif kind == "deep":
            self.lines[first_name,] = self.line
            self.header(f"[{first} . {second}]", (first_name, second_name))
            self.body((first_name, second_name))
        for index in range(self.random.randrange(1, 4) if "array" in kind else 0):
            self.lines.setdefault((first_name,), self.line)
            self.header(f"[[{first}]]", (first_name, index))
            self.body((first_name, index))
            for inner in range(self.random.randrange(3) if kind == "array in array" else 0):
                self.lines.setdefault((first_name, index, second_name), self.line)
                self.header(f"[[{first}.{second}]]", (first_name, index, second_name, inner))
                self.body((first_name, index, second_name, inner))

    def header(self, text: str, path: KeyPath) -> None:
        self.lines[path] = self.line
        self.text += f"{text}  # [x]\n"
        self.noise()

    def body(self, table: KeyPath) -> None:
        for _ in range(self.random.randrange(3)):
            self.pair(table)

    def pair(self, table: KeyPath) -> None:
        written, name = self.key()
        path = (*table, name)
        if self.random.random() < 0.3:
            inner, inner_name = self.key()
            self.lines[path] = self.line
            written, path = f"{written} . {inner}", (*path, inner_name)
        self.lines[path] = self.line
        self.text += f"{written} = "
        self.value(path, depth=0)
        self.text += self.random.choice(["\n", "  # ] } tail\n"])
        self.noise()

    def value(self, path: KeyPath, depth: int) -> None:
        kind = self.random.choice(["scalar", "string", "list", "inline"] if depth < 3 else ["scalar"])
        if kind == "list":
            self.text += "["
            for index in range(self.random.randrange(4)):
                self.text += self.random.choice(["", " ", "\n  ", " # [0,\n"])
                self.lines[(*path, index)] = self.line
                self.value((*path, index), depth + 1)
                self.text += self.random.choice([",", " ,\n", ", # ,\n"])
            self.text += "]"
        elif kind == "inline":
            self.text += "{"
            for index in range(self.random.randrange(3)):
                written, name = self.key()
                self.text += ", " if index else " "
                self.lines[(*path, name)] = self.line
                self.text += f"{written} = "
                self.value((*path, name), depth + 1)
            self.text += " }"
        else:
            self.text += self.random.choice(SCALARS if kind == "scalar" else STRINGS)


@pytest.mark.parametrize("seed", range(100))
def test_every_key_of_a_random_document_is_found_on_the_line_it_was_written_on(seed: int) -> None:
    writer = Writer(seed)
    text = writer.write()
    document = tomllib.loads(text)
    lines = Lines(text)
    assert set(lines.of) == set(paths(document))
    assert {path: lines[path] for path in writer.lines} == writer.lines


@pytest.mark.parametrize("seed", range(20))
def test_windows_line_ends_change_no_line(seed: int) -> None:
    text = Writer(seed).write()
    assert Lines(text.replace("\n", "\r\n")).of == Lines(text).of


def test_the_presets_are_located_whole() -> None:
    for preset in preset_names():
        text = preset_text(preset)
        lines = Lines(text)
        assert set(lines.of) == set(paths(tomllib.loads(text)))
        for path, line in lines.of.items():
            assert str(path[-1]) in text.splitlines()[line - 1], (preset, path)


def test_a_table_that_a_deeper_one_implied_is_on_the_line_of_its_own_header() -> None:
    lines = Lines("[a.b]\nx = 1\n[a]\ny = 2\n")
    assert lines["a",] == 3
    assert lines["a", "b"] == 1
    assert lines["a", "y"] == 4


def test_a_table_under_an_array_of_tables_belongs_to_the_last_of_them() -> None:
    lines = Lines("[[a]]\n[a.b]\nx = 1\n[[a]]\n[a.b]\nx = 2\n")
    assert lines["a", 0, "b", "x"] == 3
    assert lines["a", 1, "b", "x"] == 6


def test_what_is_not_in_the_text_is_on_the_line_of_what_holds_it() -> None:
    lines = Lines("x = 1\n[a]\n[a.b]\ny = [\n1]\n")
    assert lines["a", "b", "nothing"] == 3
    assert lines["a", "b", "y", 7] == 4
    assert lines["nothing",] == 1
    assert lines[()] == 1
