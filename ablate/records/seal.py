"""Seals: the hash that a record carries over its own bytes, and what is found where a file is not as it was sealed.

A seal tells accidents and careless editing. It holds no secret: whoever means to can seal again what he altered.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

FIRST, LAST = "seal", "sealed"
"""Keys that a sealed record begins and ends with: whichever part of it is lost, the other tells that it had a seal."""
_BEGINS = re.compile(rb'\A\{\s*"seal": "([0-9a-f]{64})"')
_MARKS = (b'"seal": "', b'"sealed": "')
_MARK_BYTES = 64


class DamageKind(StrEnum):
    """What became of a file since it was sealed."""

    edited = "edited"
    """Other bytes than those that were sealed."""
    cut = "cut"
    """Fewer bytes than were sealed."""
    missing = "missing"
    copied = "of another cell"
    """It is that of another cell, or was measured of other weights."""
    unreadable = "unreadable"
    """The system gives no bytes of it, or they are no record of its kind."""


@dataclass(frozen=True)
class Damage:
    """A file that is not as it was sealed, and what can be done about it."""

    path: Path
    kind: DamageKind
    detail: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.path} is {self.kind}: {self.detail}; {self.remedy}"


def sealed(content: Mapping[str, Any]) -> bytes:
    """Returns a record as indented JSON with the hash of all its bytes but the hash's own.

    Raises:
        ValueError: for a number that JSON does not know (nan, inf).
    """
    kept = {key: value for key, value in content.items() if key not in (FIRST, LAST)}
    text = json.dumps({FIRST: "", **kept, LAST: "sha256"}, indent=1, allow_nan=False) + "\n"
    digest = hashlib.sha256(text.encode()).hexdigest()
    return text.replace('""', f'"{digest}"', 1).encode()


def broken_seal(content: bytes) -> DamageKind | None:
    """Returns what is wrong with the bytes of a record; None where its seal holds or it never had one."""
    found = _BEGINS.match(content)
    if found is None:
        marked = _MARKS[0] in content[:_MARK_BYTES] or _MARKS[1] in content[-_MARK_BYTES:]
        return DamageKind.edited if marked else None
    blank = content[: found.start(1)] + content[found.end(1) :]
    if hashlib.sha256(blank).hexdigest().encode() == found[1]:
        return None
    return DamageKind.edited if content.rstrip().endswith(b"}") else DamageKind.cut
