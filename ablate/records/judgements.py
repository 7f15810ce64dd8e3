"""Judgements of pairs of reconstructions by eye: the file that the page of `ablate report --compare-by-eye` saves."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field

from ablate.records.record import Record, read


class EyeJudgement(Record):
    """One answer: which of two cells' reconstructions of an image is closer to it, and where each stood."""

    trial: int = Field(ge=0)
    """Counted from 0 within its session."""
    image: str
    left: str
    """Id of a cell."""
    right: str
    answer: Literal["left", "right", "same"]
    at: str
    """When, in UTC as ISO 8601 writes it."""


class EyeSession(Record):
    """The answers of one person at one sitting."""

    id: str
    judgements: tuple[EyeJudgement, ...]
    observer: str = ""


class EyeJudgements(Record):
    """All sessions that a browser has kept of one page."""

    schema_version: Literal[1] = Field(1, alias="schema")
    grid: str
    page: str
    """Which images and pairs there were: a hash."""
    sessions: tuple[EyeSession, ...]

    REMEDY: ClassVar[str] = "save it again from the page, or move it away"


def read_judgements(directory: Path) -> tuple[EyeSession, ...]:
    """Returns every session in the files of a directory; one that was saved more than once, with all of its answers.

    Raises:
        RecordError: for a file that holds none.
    """
    found: dict[str, EyeSession] = {}
    for path in sorted(directory.glob("*.json")):
        record = read(EyeJudgements, path)
        for session in record.sessions if record else ():
            known = found.get(session.id)
            found[session.id] = session if known is None else _united(known, session)
    return tuple(found.values())


def _united(first: EyeSession, second: EyeSession) -> EyeSession:
    """Returns a session with the answers of both; of a trial that was answered twice, the later answer."""
    latest: Mapping[int, EyeJudgement] = {
        each.trial: each for each in sorted((*first.judgements, *second.judgements), key=lambda each: each.at)
    }
    answers = tuple(latest[trial] for trial in sorted(latest))
    return second.model_copy(update={"judgements": answers})
