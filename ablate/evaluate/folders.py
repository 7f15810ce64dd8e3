"""Another codec's reconstructions in a folder, measured as a cell is: matched by name, and bits by the files' bytes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path, PurePath

from ablate.config import RESULTS_VERSION, Evaluation, content_sha256
from ablate.data import Images
from ablate.evaluate.features import as_tensor
from ablate.evaluate.given import Given
from ablate.evaluate.measure import measure
from ablate.evaluate.reevaluate import replacing
from ablate.records import Environment, Result
from ablate.store import Entry
from ablate.store.artefacts import MEASURED, artefacts

GIVEN = "given"
"""Stands where a trained cell has the names of its weights."""
_NAMED_AT_MOST = 10


def place(runs: Path, folder: Path, originals: Images, reconstructions: Images) -> Entry:
    """Returns where the records lie unless told otherwise."""
    digest = content_sha256([originals.digest, reconstructions.digest])[:8]
    return Entry(runs / ".shared" / "folders" / f"{folder.resolve().name}-{digest}")


def measure_folders(
    originals: Images,
    reconstructions: Images,
    records: Entry,
    evaluation: Evaluation,
    *,
    folder: Path,
    files: Path | None,
    cache: Path,
    device: str,
    environment: Environment,
    done: Callable[[str, str], None] = lambda _weights, _image: None,
) -> Result:
    """Measures reconstructions by a protocol, writes the records that `ablate eval` writes, and returns the result.

    Args:
        originals: what was coded.
        reconstructions: what came back.
        records: where the tables and result.json go; an earlier result is replaced.
        evaluation: what is measured, and how.
        folder: where the reconstructions come from, to be recorded.
        files: directory of the coded files; None where there are none, and no bits.
        cache: directory where the originals' features are kept.
        device: where feature extractors run.
        environment: to be recorded.
        done: told of each image that was measured.

    Raises:
        ValueError: where an original has no reconstruction or file, or several, or one of another size.
    """
    given = pair(originals, reconstructions, files)
    with replacing(records):
        began = time.perf_counter()
        measured = measure(
            {GIVEN: given}, evaluation, originals, records, cache=cache, device=device, done=done
        )  # fmt: skip
        seconds = time.perf_counter() - began
        of = {"folder": str(folder), "digest": originals.digest, "count": len(originals), "skipped": originals.skipped}
        result = {
            "schema": 1,
            "id": content_sha256([originals.identity, reconstructions.identity])[:12],
            "status": "done",
            "step": 0,
            "results_version": RESULTS_VERSION,
            "seconds": seconds,
            "eval_seconds": seconds,
            "pictures": of,
            "metrics": measured.metrics,
            "uncertainty": measured.uncertainty,
            "protocol": measured.protocol,
            "environment": environment.plain(),
            **artefacts(records.path, within=MEASURED),
        }
        committed = Result.model_validate(result)
        records.commit(committed)
    return committed


def pair(originals: Images, reconstructions: Images, files: Path | None) -> Given:
    """Returns the reconstruction and the bytes of each original.

    Raises:
        ValueError: as `measure_folders` does.
    """
    numbers = {name: number for number, name in enumerate(reconstructions.names)}
    found = matched(originals.names, reconstructions.names, "reconstruction")
    wrong = [
        f"{name} is {_size(shape)}, {found[name]} is {_size(reconstructions.shapes[numbers[found[name]]])}"
        for name, shape in zip(originals.names, originals.shapes, strict=True)
        if reconstructions.shapes[numbers[found[name]]] != shape
    ]
    if wrong:
        raise ValueError(f"reconstructions of another size than their original: {_listed(wrong)}")
    sizes = None
    if files is not None:
        there = {str(path.relative_to(files)): path for path in sorted(files.rglob("*")) if path.is_file()}
        named = matched(originals.names, there, "file")
        sizes = {name: there[named[name]].stat().st_size for name in originals.names}
        if empty := [named[name] for name, size in sizes.items() if size == 0]:
            raise ValueError(f"files without a byte: {_listed(empty)}")
    return Given(lambda name: as_tensor(reconstructions[numbers[found[name]]]), sizes)


def matched(names: Iterable[str], others: Iterable[str], what: str) -> dict[str, str]:
    """Returns for each name the other one that has its stem.

    Directories count where both have them alike; else the last part of a name decides. An ending may stand behind the
    whole name, too: `kodim01.png.jpg` belongs to `kodim01.png`.

    Raises:
        ValueError: for names with none or with several.
    """
    whole, last = _by_stem(others, whole=True), _by_stem(others, whole=False)
    found, missing, several = {}, [], []
    for name in names:
        path = PurePath(name)
        alike = [
            *whole.get(str(path.with_suffix("")), ()), *whole.get(name, ()),
        ] or [*last.get(path.stem, ()), *last.get(path.name, ())]  # fmt: skip
        if not alike:
            missing.append(name)
        elif len(alike) > 1:
            several.append(f"{name}: {', '.join(alike)}")
        else:
            found[name] = alike[0]
    if missing:
        raise ValueError(f"no {what} of that name for {_listed(missing)}")
    if several:
        raise ValueError(f"more than one {what} for {_listed(several)}")
    counted: dict[str, list[str]] = {}
    for name, other in found.items():
        counted.setdefault(other, []).append(name)
    if shared := [f"{other} for {' and '.join(own)}" for other, own in counted.items() if len(own) > 1]:
        raise ValueError(f"one {what} for several images: {_listed(shared)}")
    return found


def _by_stem(names: Iterable[str], *, whole: bool) -> Mapping[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name in names:
        path = PurePath(name)
        found.setdefault(str(path.with_suffix("")) if whole else path.stem, []).append(name)
    return found


def _size(shape: tuple[int, int]) -> str:
    return f"{shape[0]}x{shape[1]}"


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _NAMED_AT_MOST} more" if len(names) > _NAMED_AT_MOST else ""
    return ", ".join(names[:_NAMED_AT_MOST]) + more
