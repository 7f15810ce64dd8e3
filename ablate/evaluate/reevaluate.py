"""A finished cell, measured again on other images than those of its grid."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ablate.codecs.trained import TrainedCodec
from ablate.config import RESULTS_VERSION, Cell, Taught
from ablate.data import Images
from ablate.evaluate.measure import measure
from ablate.evaluate.parameters import codec_facts
from ablate.records import Environment, Result, Weights, write
from ablate.store import Entry
from ablate.store.artefacts import MEASURED, artefacts
from ablate.store.weights import load


def place(entry: Entry, folder: Path, images: Images) -> Entry:
    """Returns where the records of a cell on such images lie unless told otherwise: beside its own."""
    return Entry(entry.path / "evaluations" / f"{folder.resolve().name}-{images.digest[:8]}")


@contextmanager
def replacing(records: Entry) -> Iterator[None]:
    """Holds the place of records for the block, and deletes the earlier result, which the block replaces.

    Raises:
        ValueError: where it is the result of a training, which nothing may replace.
        Busy: where another process writes there.
    """
    earlier = records.result()
    if earlier is not None and earlier.measured_images is None:
        raise ValueError(f"{records.path} holds a cell's own result, which nothing may replace; choose another place")
    with records.claim():
        (records.path / "result.json").unlink(missing_ok=True)
        yield


def reevaluate(
    entry: Entry,
    images: Images,
    records: Entry,
    *,
    folder: Path,
    weights: Sequence[Weights],
    cache: Path,
    device: str,
    environment: Environment,
    done: Callable[[str, str], None] = lambda _weights, _image: None,
) -> Result:
    """Measures a cell by the protocol of its grid, writes the records that a training leaves, and returns the result.

    Args:
        entry: the finished cell.
        images: what it is measured on.
        records: where cell.json, the tables, the reconstructions and result.json go; an earlier result is replaced.
        folder: where the images come from, to be recorded.
        weights: which of the cell's weights.
        cache: directory where the originals' features are kept.
        device: where codec and feature extractor run.
        environment: to be recorded.
        done: told of each image that was measured, with which weights.

    Raises:
        ValueError: where the cell is not done or its weights are damaged, or what a training left would be replaced.
        Busy: where another process writes there.
    """
    codecs: dict[str, TrainedCodec] = {name: load(entry, name, device) for name in weights}
    trained = entry.result()
    assert trained is not None, "only a cell that is done has weights"
    with replacing(records):
        settings = entry.cell_settings()
        assert settings is not None, "a codec was loaded by its settings"
        write(records.path / "cell.json", settings)
        began = time.perf_counter()
        cell = Cell.model_validate(settings.cell)
        measured = measure(
            codecs,
            cell.evaluation,
            images,
            records,
            cache=cache,
            device=device,
            taught=Taught.by(cell),
            done=done,
        )
        seconds = time.perf_counter() - began
        kept = {key: trained.plain().get(key) for key in ("id", "status", "step", "cause", "train_seconds")}
        of = {"folder": str(folder), "digest": images.digest, "count": len(images), "skipped": images.skipped}
        result = {
            "schema": 1,
            **kept,
            "results_version": RESULTS_VERSION,
            "seconds": seconds,
            "eval_seconds": seconds,
            "pictures": of,
            "metrics": measured.metrics,
            "uncertainty": measured.uncertainty,
            "protocol": measured.protocol,
            "codec": codec_facts(cell, codecs),
            "environment": environment.plain(),
            **artefacts(records.path, within=MEASURED),
        }
        committed = Result.model_validate(result)
        records.commit(committed)
    return committed
