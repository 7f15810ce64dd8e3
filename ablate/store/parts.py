"""Parts of a results directory: what each file is, what of it is shared, and what goes along with a grid."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from ablate.atomic import TEMPORARY, read_json
from ablate.records import PlanRecord

Kind = Literal[
    "weights", "checkpoints", "reconstructions", "features", "tables", "telemetry", "records", "images", "other"
]
KINDS: tuple[Kind, ...] = (
    "weights", "checkpoints", "reconstructions", "features", "tables", "telemetry", "records", "images", "other",
)  # fmt: skip
_BY_NAME: dict[str, Kind] = {"weights.pt": "weights", "metrics.jsonl": "telemetry", "events.jsonl": "telemetry"}
HASHES = "hashes.json"
"""Of the data cache: hashes of files by their paths on this machine."""


def files(directory: Path) -> Iterator[tuple[str, os.stat_result]]:
    """Yields every file of a directory tree with its facts, by its relative path; what vanishes is left out."""
    for parent, directories, names in os.walk(directory):
        directories.sort()
        for name in sorted(names):
            path = Path(parent, name)
            try:
                yield path.relative_to(directory).as_posix(), path.lstat()
            except FileNotFoundError:
                continue


def kind_of(path: str) -> Kind:
    """Returns the kind of a file by its path below the results directory."""
    name = path.rpartition("/")[2]
    if path.startswith(".shared/data/"):
        return "records" if path == f".shared/data/{name}" and name.endswith(".json") else "images"
    if name.startswith("checkpoint"):
        return "checkpoints"
    if name in _BY_NAME:
        return _BY_NAME[name]
    if "/eval/" in f"/{path}":
        return "reconstructions" if "/recon/" in path else "features" if name.endswith(".npy") else "tables"
    if "/attempts/" in path and not name.endswith(".json"):
        return "telemetry"
    return "records" if name.endswith((".json", ".toml")) else "other"


def transient(name: str) -> bool:
    """Says whether a file or directory of that name means nothing elsewhere: locks, leases, what was being written."""
    return name in ("lock", "cancel") or name.startswith("lock.lease-") or name.endswith((TEMPORARY, ".lock"))


def shown_data(cache: Path, plan: PlanRecord) -> list[Path]:
    """Returns the parts of the data cache that a report reads: images that cells are measured on, and other codecs.

    Images that are only trained on are left out; so are hashes by the paths of this machine.
    """
    measured = {digest for point in plan.points for digest in _measured_on(point.cell)}
    decoded = [directory for directory, digest in decoded_data(cache) if digest in measured]
    return [*decoded, *(path for path in sorted(cache.glob("[!.]*.json")) if path.name != HASHES)]


def decoded_data(cache: Path) -> Iterator[tuple[Path, str | None]]:
    """Yields every set of decoded images in the data cache, with its digest."""
    for index in sorted(cache.glob("[!.]*/index.json")):
        yield index.parent, _digest(index)


def digests(plan: PlanRecord) -> set[str]:
    """Returns the digests of all images that cells of a plan use."""
    trained = {str(point.cell.get("data", {}).get("train_digest")) for point in plan.points}
    return trained | {digest for point in plan.points for digest in _measured_on(point.cell)}


def _measured_on(cell: dict[str, Any]) -> Iterator[str]:
    for name, digest in cell.get("data", {}).items():
        if name.endswith("_digest") and name != "train_digest" and digest:
            yield digest
    yield from cell.get("evaluation", {}).get("set_digests", {}).values()


def _digest(index: Path) -> str | None:
    try:
        content = read_json(index)
    except ValueError:
        return None
    return content.get("digest") if isinstance(content, dict) else None
