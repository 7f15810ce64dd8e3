"""Every kind of file of a store emptied, cut, flipped, deleted or swapped, before every command that reads it.

A command may refuse, with the file's or the cell's name, or show what it showed before; it may not end in a traceback,
and no figure may be another one in silence. What a flipped digit makes of a record that still reads well is another
thing: only a seal can tell it, and it is counted by itself.
"""

from __future__ import annotations

import json
import random
import re
import shutil
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.torture.children import Children, Ended
from tests.torture.small_store import BASELINE, NAME, make_store
from tests.torture.tally import Tally

Damage = Callable[[Path, random.Random], None]
ID = re.compile(r"[0-9a-f]{12,64}")
NOT_MEASURED = "not measured at these bits yet"
"""What a report says of figures of other codecs that are not there, and how they are had."""


def _rewrite(change: Callable[[bytes, random.Random], bytes]) -> Damage:
    """Writes the changed content as a new file, so that hard links of the old one keep theirs."""

    def damage(path: Path, chance: random.Random) -> None:
        content = path.read_bytes()
        path.unlink()
        path.write_bytes(change(content, chance))

    return damage


def _flipped(content: bytes, chance: random.Random) -> bytes:
    if not content:
        return b"\xff"
    at = chance.randrange(len(content))
    return content[:at] + bytes([content[at] ^ (1 << chance.randrange(8))]) + content[at + 1 :]


def _digit(content: bytes, chance: random.Random) -> bytes:
    """Changes one digit of a number, as nothing but a seal can tell."""
    places = [match.start() for match in re.finditer(rb"\d", content)]
    if not places:
        return _flipped(content, chance)
    at = chance.choice(places)
    return content[:at] + str((content[at] - 48 + 1 + chance.randrange(8)) % 10).encode() + content[at + 1 :]


def _swapped(path: Path, chance: random.Random) -> None:
    """Puts the file of the same kind of another entry, or any other file, in its place."""
    root = path
    while root.name != "runs":
        root = root.parent
    kind = kind_of(path, root)
    files = [each for each in sorted(root.rglob("*")) if each.is_file() and each != path]
    others = [each for each in files if kind_of(each, root) == kind] or files
    content = chance.choice(others).read_bytes()
    path.unlink()
    path.write_bytes(content)


def _directory(path: Path, _chance: random.Random) -> None:
    path.unlink()
    path.mkdir()


def _link(path: Path, chance: random.Random) -> None:
    path.unlink()
    path.symlink_to(chance.choice(["nowhere", path.name]))


DAMAGES: Mapping[str, Damage] = {
    "emptied": _rewrite(lambda _content, _chance: b""),
    "cut in half": _rewrite(lambda content, _chance: content[: len(content) // 2]),
    "cut anywhere": _rewrite(lambda content, chance: content[: chance.randrange(len(content) + 1)]),
    "a bit flipped": _rewrite(_flipped),
    "a digit changed": _rewrite(_digit),
    "zeros": _rewrite(lambda content, _chance: bytes(len(content))),
    "noise": _rewrite(lambda content, chance: chance.randbytes(min(len(content), 5000))),
    "[]": _rewrite(lambda _content, _chance: b"[]\n"),
    "{}": _rewrite(lambda _content, _chance: b"{}\n"),
    "null": _rewrite(lambda _content, _chance: b"null\n"),
    "NaN for a number": _rewrite(lambda content, _chance: re.sub(rb": -?\d[\d.e+-]*", b": NaN", content)),
    "deleted": lambda path, _chance: path.unlink(),
    "swapped": _swapped,
    "a directory": _directory,
    "a link to nowhere or itself": _link,
}
ABSENT = ("deleted", "a link to nowhere or itself")
"""Damages after which there is no file, as where nothing was measured yet."""
UNSEALED = ("a bit flipped", "a digit changed", "swapped")
"""Damages that may leave a file that reads well and says something else."""


def kind_of(path: Path, root: Path) -> str:
    """Returns the path with every id and name of an image replaced, so that files of one kind have one name."""
    return re.sub(r"\d\.png$", "N.png", ID.sub("ID", str(path.relative_to(root))))


def files_by_kind(root: Path) -> dict[str, list[Path]]:
    """Returns all files under a root by their kind."""
    kinds: dict[str, list[Path]] = {}
    for path in sorted(root.rglob("*")):
        if path.is_file():
            kinds.setdefault(kind_of(path, root), []).append(path)
    return kinds


@dataclass(frozen=True)
class Seen:
    """What the commands said of a store."""

    by_command: Mapping[str, Ended]
    report: Any = None
    told: str = ""
    """What the report says for readers."""

    @property
    def output(self) -> str:
        return "\n".join(ended.output for ended in self.by_command.values())


@dataclass(frozen=True)
class Torture:
    """A store as it should be, a place for copies of it, and what the commands say of it."""

    whole: Path
    copy: Path
    children: Children
    expected: Seen

    @classmethod
    def prepare(cls, directory: Path, children: Children) -> Torture:
        """Makes the store under a directory, which must be empty."""
        whole = directory / "whole"
        whole.mkdir()
        make_store(whole, children)
        torture = cls(whole, directory / "copy", children, Seen({}))
        torture._reset()
        return cls(whole, directory / "copy", children, torture.look(report=True))

    def _reset(self) -> None:
        shutil.rmtree(self.copy, ignore_errors=True)
        shutil.copytree(self.whole, self.copy, symlinks=True)

    def try_one(self, kind: str, damage: str, chance: random.Random, *, report: bool, run: bool, tally: Tally) -> None:
        """Damages a file of a kind in a copy, lets every command look at it, and counts how they bear it."""
        self._reset()
        root = self.copy / "runs"
        path = chance.choice(files_by_kind(root)[kind])
        DAMAGES[damage](path, chance)
        seen = self.look(report=report, run=run)
        case, told = f"{kind}, {damage}", f"{path.relative_to(root)}"
        for command, ended in seen.by_command.items():
            if ended.is_fault:
                tally.fault(case, f"{told}: {command} ended with {ended.code}: {ended.output[-1500:]}")
                return
        entry = next((part for part in path.relative_to(root).parts if ID.fullmatch(part)), path.name)
        self._judge(case, damage, told, seen, (path.name, entry), tally)

    def _judge(self, case: str, damage: str, told: str, seen: Seen, names: tuple[str, str], tally: Tally) -> None:
        """Compares what is shown with what was shown before."""
        changed = {
            command: ended.output
            for command, ended in seen.by_command.items()
            if command in self.expected.by_command and ended.output != self.expected.by_command[command].output
        }
        if seen.report is not None and not changed and seen.report != self.expected.report:
            changed["report.json"] = ""
        if not changed:
            tally.count(case, "named" if any(name in seen.output for name in names[:1]) else "nothing changed")
        elif _figures(seen) <= _figures(self.expected) and "report.json" not in changed:
            tally.count(case, "named" if any(name in text for text in changed.values() for name in names) else "gone")
        elif names[0] in seen.output or names[0] in seen.told:
            tally.count(case, "named")
        elif damage in ABSENT and NOT_MEASURED in seen.told and NOT_MEASURED not in self.expected.told:
            tally.count(case, "said to be missing")
        elif damage in UNSEALED:
            tally.count(case, "reads well, and says something else")
        else:
            tally.fault(case, f"{told}: other figures in silence: {sorted(changed)}")

    def look(self, *, report: bool, run: bool = False) -> Seen:
        """Lets the commands look at the copy, the slow ones where they are asked for."""
        there, runs = self.copy, self.copy / "runs"
        commands: dict[str, tuple[str | Path, ...]] = {
            "status": ("status", there / f"{NAME}.toml", "--all"),
            "status by name": ("status", NAME, "--json"),
            "show": ("show", NAME, "--json"),
            "check": ("check", NAME, "--baseline", there / BASELINE, "--json"),
        }
        cells = sorted(path.name for path in (self.whole / "runs" / NAME / "cells").iterdir())
        commands |= {f"show {number}": ("show", NAME, cell) for number, cell in enumerate(cells)}
        if report:
            commands["report"] = ("report", NAME, "--reports-dir", there / "reports")
        if run:
            commands["run"] = ("run", there / f"{NAME}.toml", "--no-progress", "--workers", "1")
        seen = {name: self.children.command(*words, "--runs-dir", runs) for name, words in commands.items()}
        written = there / "reports" / NAME / "report.json"
        shown = json.loads(written.read_text()) if report and written.exists() else None
        told = written.with_name("report.md").read_text() if shown else ""
        return Seen({name: Ended(each.code, _timeless(each.output)) for name, each in seen.items()}, shown, told)


def _timeless(output: str) -> str:
    """Takes the times out that two commands differ in."""
    return re.sub(r"\d\d:\d\d:\d\d", "", output)


def _figures(seen: Seen) -> set[tuple[str, str]]:
    """Returns every figure of a finished cell that `show --json` gives, with its cell and name."""
    try:
        content = json.loads(seen.by_command["show"].output)
    except ValueError:
        return set()
    return {
        (cell["id"], f"{name}={value}")
        for cell in content["cells"]
        if cell.get("result")
        for weights in cell["result"]["metrics"].values()
        for name, value in weights.items()
    }


def rounds(torture: Torture, count: int, seed: int, *, slow_every: int = 4) -> Generator[Tally]:
    """Damages one file after the other, every kind in every way before any comes again; yields what came of each.

    Of `slow_every` damaged stores one is reported on and another is run again; of 0, none.
    """
    chance = random.Random(seed)
    cases: list[tuple[str, str]] = []
    for number in range(count):
        if not cases:
            cases = [(kind, damage) for kind in files_by_kind(torture.whole / "runs") for damage in DAMAGES]
            chance.shuffle(cases)
        tally = Tally()
        turn = number % slow_every if slow_every else None
        slow = {"report": turn == 0, "run": turn == 1}
        torture.try_one(*cases.pop(), chance, **slow, tally=tally)
        yield tally
