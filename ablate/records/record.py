"""A record: a file of the store as a typed, frozen object, checked when it is read and when it is written."""

from __future__ import annotations

import json
import os
import pwd
import re
import stat
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from ablate.atomic import write_bytes, write_json
from ablate.records.seal import FIRST, LAST, Damage, DamageKind, broken_seal, sealed

_NOT_FINITE = re.compile(rb"NaN|Infinity|[eE]\+?\d{3}")


class RecordError(ValueError):
    """A file of the store that holds no record of its kind; the message has its path and a remedy."""


class AlteredError(RecordError):
    """A file that is not as it was sealed: edited, cut, or that of another cell."""

    def __init__(self, damage: Damage) -> None:
        super().__init__(str(damage))
        self.damage = damage


class ForeignError(RecordError):
    """A file or directory of the store that this user may not use; the message names it and its owner."""

    def __init__(self, path: Path, verb: Literal["read", "write"]) -> None:
        super().__init__(
            f"{path}: {_user(os.geteuid())} may not {verb} it; {whose(path)}; ask there, or use another store"
        )


def whose(path: Path) -> str:
    """Says to whom a file belongs, or the first directory above it that can be looked at."""
    for found in (path.absolute(), *path.absolute().parents):
        with suppress(OSError):
            facts = found.stat()
            break
    it = "it" if found == path.absolute() else str(found)
    return f"{it} belongs to {_user(facts.st_uid)} (mode {stat.S_IMODE(facts.st_mode):03o})"


class Record(BaseModel):
    """Content of a file of the store.

    Keys that this version does not know are kept: a later version may have written them. `REMEDY` says what to do
    about a file that cannot be read.
    """

    model_config = ConfigDict(frozen=True, extra="allow", allow_inf_nan=False, populate_by_name=True)

    REMEDY: ClassVar[str] = "copy it back, or delete it"

    def plain(self) -> dict[str, Any]:
        """Returns the record as JSON has it; what was never set is left out."""
        return self.model_dump(mode="json", by_alias=True, exclude_unset=True)


class SealedRecord(Record):
    """A record that carries a hash of its own bytes; one from before there were seals has None."""

    seal: str | None = None
    sealed: str | None = None
    """The kind of hash."""

    def __eq__(self, other: object) -> bool:
        """Compares what records say: one that was read back is equal to one that was not written yet."""
        if type(self) is not type(other):
            return NotImplemented
        own, others = (
            {key: each[key] for key in each if key not in (FIRST, LAST)} for each in map(dict, (self, other))
        )
        return own == others

    __hash__ = Record.__hash__


Kind = TypeVar("Kind", bound=Record)


def parse(kind: type[Kind], content: bytes, path: Path) -> Kind:
    """Returns the record that the content of a file is.

    Raises:
        RecordError: for what is no JSON, lacks a key, has a value of another type or another schema, or holds a number
            that is not finite.
    """
    if _NOT_FINITE.search(content):
        require_finite(content, path, kind.REMEDY)
    try:
        return kind.model_validate_json(content)
    except ValidationError as error:
        raise RecordError(f"{path} cannot be read: {_sentence(error)}; {kind.REMEDY}") from error


def read(kind: type[Kind], path: Path, content_id: str | None = None) -> Kind | None:
    """Returns the record that a file holds, or None where there is no file.

    Args:
        kind: of record.
        path: of the file.
        content_id: the id that the record must have, where it names an entry of the store.

    Raises:
        AlteredError: where its seal does not hold, or it is the sealed record of another entry.
        RecordError: as `parse`, and for the record of another entry without a seal.
        ForeignError: for another user's file that this one may not read.
    """
    try:
        content = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except PermissionError as error:
        raise ForeignError(path, "read") from error
    except OSError as error:
        raise RecordError(f"{path} cannot be read: {error.strerror}; {kind.REMEDY}") from error
    if damage := broken_seal(content):
        raise AlteredError(Damage(path, damage, "its bytes are not those that were sealed", kind.REMEDY))
    record = parse(kind, content, path)
    found = getattr(record, "id", None)
    if content_id is not None and found is not None and found != content_id:
        other = f"the record of {found}, and {content_id} is expected"
        if getattr(record, "seal", None):
            raise AlteredError(Damage(path, DamageKind.copied, f"it is {other}", kind.REMEDY))
        raise RecordError(f"{path} is {other}; {kind.REMEDY}")
    return record


def write(path: Path, record: Record) -> None:
    """Replaces a file by a record, whole or not at all; one that is to be sealed is sealed now.

    Raises:
        ValueError: for a number that JSON does not know (nan, inf).
    """
    if isinstance(record, SealedRecord):
        write_bytes(path, sealed(record.plain()))
    else:
        write_json(path, record.plain())


def require_finite(content: bytes, path: Path, remedy: str) -> None:
    """Refuses JSON with a number that is not finite.

    Raises:
        RecordError: with the number.
    """

    def refuse(text: str) -> float:
        value = float(text)
        if value != value or value in (float("inf"), float("-inf")):
            raise RecordError(f"{path} cannot be read: it holds the number {text}, which is not finite; {remedy}")
        return value

    try:
        json.loads(content, parse_constant=refuse, parse_float=refuse)
    except RecordError:
        raise
    except ValueError:
        return  # no JSON at all: the parser says where


def _user(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"user {number}"


def _sentence(error: ValidationError) -> str:
    """Says where the first mistake is, what was expected and what was found."""
    first = error.errors()[0]
    where = ".".join(map(str, first["loc"]))
    if first["type"] == "missing":
        return f"it has no {where}"
    if first["type"] == "json_invalid":
        return f"it is not JSON ({first['ctx']['error']}), so that it was cut or altered"
    found = repr(first["input"])
    shown = found if len(found) <= 40 else f"{found[:40]}…"
    message = first["msg"][:1].lower() + first["msg"][1:]
    return f"{where}: {message} (found: {shown})" if where else f"{message} (found: {shown})"
