"""Figures of other codecs, kept for all reports of a results directory: sealed JSON without a type of its own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ablate.atomic import read_json, write_bytes
from ablate.records.record import AlteredError, RecordError
from ablate.records.seal import FIRST, LAST, Damage, broken_seal, sealed

REMEDY = "delete it, and `ablate references` measures anew"


def read_figures(path: Path) -> dict[str, Any] | None:
    """Returns what a file holds, None where there is none.

    Raises:
        AlteredError: where it is not as it was sealed.
        ValueError: where it is no JSON, or none of figures.
    """
    if found := figures_damage(path):
        raise AlteredError(found)
    content = read_json(path)
    if content is not None and not (content and isinstance(content, dict)):
        raise RecordError(f"{path} cannot be read: it holds no figures; {REMEDY}")
    return None if content is None else {key: each for key, each in content.items() if key not in (FIRST, LAST)}


def figures_damage(path: Path) -> Damage | None:
    """Returns what is wrong with a file; None where nothing is, or it has no seal, or there is none."""
    try:
        kind = broken_seal(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return None
    return Damage(path, kind, "its bytes are not those that were sealed", REMEDY) if kind else None


def write_figures(path: Path, content: Mapping[str, Any]) -> None:
    """Replaces a file by figures and their seal, whole or not at all."""
    write_bytes(path, sealed(content))
