"""A small store with a file of every kind that a finished grid leaves: made without training, sealed as a run seals."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ablate.records import (
    CellSettings,
    Environment,
    Measurement,
    MeasurementSettings,
    MetricRow,
    PlannedWarmup,
    Result,
    Status,
)
from ablate.records import write as write_record
from ablate.store import Entry, Store
from ablate.store.artefacts import MEASURED, artefacts
from tests.fabricated_store import Fabrication, drawn_images, fabricate
from tests.made import made_result

AXES = {"loss.adversarial": ["lsgan", "hinge"]}
GRID = Fabrication(
    "sealed",
    axes=AXES,
    seeds=(0,),
    images=drawn_images(count=2),
    log_points=4,
    environments={1: {"git": "other"}},
)


def make_store(root: Path) -> Store:
    """Writes two cells with weights, events, a tracker's table, a measurement and an evaluation each, and warm-ups."""
    store = fabricate(root, GRID)
    for number, entry in enumerate(store.cells()):
        result = entry.result()
        assert result is not None
        entry.weights.write_bytes(bytes([number]) * 3000)
        (entry.path / "eval" / "jackknife.csv").write_text(f"weights,image,group\nema,wave-{number}.png,1\n")
        (entry.path / "eval" / "features-ema.npy").write_bytes(bytes([number + 7]) * 400)
        (entry.path / "metrics.csv").write_text(f"step\n{number}\n")
        entry.append_metrics(MetricRow(step=1001 + number, attempt=1, loss={"generator": float(number)}))
        entry.append_event(3 + number, "discriminator_saturated", "at every scale")
        _log(entry, f"log of cell {number}\n")
        # What fabricate sealed had no weights yet.
        (entry.path / "result.json").unlink()
        again = result.plain() | artefacts(entry.path)
        entry.commit(Result.model_validate(again))
        _measure(entry, number)
        _evaluate(entry, number)
    for number in range(2):
        _warm_up(store.warmup(f"warm{number:08x}"), number)
    return store


def _log(entry: Entry, text: str) -> None:
    """Lets the last attempt have printed something when it ended."""
    attempt = entry.last_attempt()
    assert attempt is not None
    ended = attempt.exit()
    attempt.log_path.write_text(text)
    (attempt.path / "exit.json").unlink(missing_ok=True)
    attempt.finish(Status.done, ended.step if ended else 1, 1.0)


def _measure(cell: Entry, number: int) -> None:
    trained, settings = cell.result(), cell.cell_settings()
    assert trained is not None
    assert settings is not None
    place = cell.measurement(f"{number + 1:012x}")
    weights = trained.artefacts["weights.pt"]
    asked = {"id": place.id, "of": cell.id, "weights": weights, "images": "test", "digest": "ab" * 32}
    place.write_settings(
        MeasurementSettings.model_validate(
            {**asked, "schema": 1, "label": "on test", "metrics": ["ssim"], "cell": settings.cell}
        )
    )
    attempt = place.begin_attempt(Environment(git=str(number)))
    attempt.log_path.write_text(f"log of measurement {number}\n")
    place.images_csv.parent.mkdir(parents=True)
    place.images_csv.write_text(f"weights,image,ssim\nema,wave-0.png,0.{number + 1}\n")
    found = {"metrics": {"ema": {"ssim": 0.5 + number / 10}}, "protocol": {"ssim": {"images": 1}}}
    record = {**asked, "status": "done", "step": 1, "seconds": 1.0, **found, **artefacts(place.path)}
    place.commit(Measurement.model_validate(record))
    attempt.finish(Status.done, 1, 1.0)


def _evaluate(cell: Entry, number: int) -> None:
    place = Entry(cell.path / "evaluations" / "other-0123")
    settings = cell.cell_settings()
    assert settings is not None
    write_record(place.path / "cell.json", CellSettings(id=settings.id, cell={"number": number}))
    place.images_csv.parent.mkdir(parents=True)
    place.images_csv.write_text(f"weights,image,psnr\nema,a.png,2{number}\n")
    facts = {"metrics": {"ema": {"psnr": 20.0 + number}}, **artefacts(place.path, within=MEASURED)}
    place.commit(made_result(Entry(cell.path), **facts))


def _warm_up(entry: Entry, number: int) -> None:
    settings = {"id": entry.path.name, "label": "warm-up", "seed": number, "warmup": {"steps": 3}}
    entry.write_settings(PlannedWarmup.model_validate(settings))
    attempt = entry.begin_attempt(Environment(git=str(number)))
    (entry.path / "metrics.jsonl").write_text(f'{{"step":{number + 1},"attempt":1}}\n')
    entry.weights.write_bytes(bytes([number + 100]) * 2000)
    attempt.log_path.write_text(f"log of warm-up {number}\n")
    entry.commit(made_result(entry, **artefacts(entry.path)))
    attempt.finish(Status.done, 1, 1.0)


Damaging = Callable[[Path, Path], None]


def flip(path: Path, _other: Path) -> None:
    """Changes one byte in the middle."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def cut(path: Path, _other: Path) -> None:
    """Leaves the first half."""
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def swap(path: Path, other: Path) -> None:
    """Puts the file of the same kind of another entry in its place."""
    shutil.copyfile(other, path)


DAMAGES: dict[str, Damaging] = {"flipped": flip, "cut": cut, "swapped": swap}


@dataclass(frozen=True)
class Kind:
    """A kind of file: where it lies in a first entry and in a second one, below the results directory."""

    first: str
    second: str


def kinds(root: Path) -> dict[str, Kind]:
    """Returns every kind of file that two cells, or two warm-ups, of a store have; locks are none."""
    found: dict[str, Kind] = {}
    for parent in ("sealed/cells", ".shared/warmups"):
        first, second = sorted((root / parent).iterdir())
        others = [_nameless(path, second) for path in sorted(second.rglob("*")) if path.is_file()]
        paths = [path for path in sorted(second.rglob("*")) if path.is_file()]
        there = dict(zip(others, paths, strict=True))
        for path in sorted(first.rglob("*")):
            if path.is_file() and path.name != "lock":
                name = _nameless(path, first)
                pair = (str(each.relative_to(root)) for each in (path, there[name]))
                found[f"{parent.split('/')[1]}/{name}"] = Kind(*pair)
    return found


def _nameless(path: Path, entry: Path) -> str:
    parts = path.relative_to(entry).parts
    return "/".join("ID" if parts[:index] == ("measurements",) else part for index, part in enumerate(parts))
