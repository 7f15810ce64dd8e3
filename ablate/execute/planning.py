"""The cells of a grid with their identities: worked out from the grid file, or read back where nothing changed."""

from __future__ import annotations

import functools
import hashlib
import json
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ablate.execute.environment import code_fingerprint
from ablate.store import Store

if TYPE_CHECKING:
    from ablate.config import Data, Warmup
    from ablate.grid import Grid

SCHEMA = 1
WHICH_FILES = ("source", "path", "train", "test", "test_fraction", "on_bad_image", "options")
"""The settings of [data] that say which images there are."""


@dataclass(frozen=True)
class Planned:
    """A point of the grid as it stands in plan.json: plain data, read without torch."""

    id: str
    sha256: str
    label: str
    axes: Mapping[str, Any]
    seed: int
    warmup: str | None
    cell: Mapping[str, Any]

    @property
    def steps(self) -> int:
        """The steps of the cell's own training, without its warm-up."""
        return int(self.cell["train"]["steps"])


@dataclass(frozen=True)
class Plan:
    """All cells that a grid file means, and the plan.json that says so."""

    content: Mapping[str, Any]
    text: bytes

    @property
    def name(self) -> str:
        """The name of the grid, which is also its directory in the store."""
        return str(self.content["name"])

    @functools.cached_property
    def points(self) -> tuple[Planned, ...]:
        """The cells in the order of the grid."""
        return tuple(Planned(**point) for point in self.content["points"])

    @property
    def warmups(self) -> Mapping[str, Mapping[str, Any]]:
        """What warmup.json holds, for each warm-up that some cell starts from."""
        warmups: Mapping[str, Mapping[str, Any]] = self.content["warmups"]
        return warmups

    def write(self, store: Store) -> None:
        """Leaves the plan and a copy of the grid file in the store."""
        store.write_grid(self.text)
        store.write_plan(dict(self.content))


def plan(grid: Grid, cache: Path | None = None) -> Plan:
    """Works out every cell's identity, which takes reading all images once; with a cache directory, once for all.

    Raises:
        ValueError: where the data are not there or hold a bad image.
    """
    from ablate.data import resolve

    directory = grid.path.parent.resolve()
    resolved: dict[str, Data] = {}
    points: list[dict[str, Any]] = []
    warmups: dict[str, dict[str, Any]] = {}
    labels: dict[str, str] = {}
    notes = list(grid.notes)
    for point in grid.points():
        key = point.cell.data.model_dump_json()
        if key not in resolved:
            resolved[key] = resolve(point.cell.data, directory, cache)
        cell = point.cell.model_copy(update={"data": resolved[key]})
        if cell.id in labels:
            notes.append(f"{point.label} is not run: its images are those of {labels[cell.id]}, and so is all else")
            continue
        labels[cell.id] = point.label
        warmup = cell.warmup
        if warmup is not None and warmup.id not in warmups:
            warmups[warmup.id] = _warmup(warmup)
        points.append(
            {
                "id": cell.id,
                "sha256": cell.sha256,
                "label": point.label,
                "axes": dict(point.axes),
                "seed": point.seed,
                "warmup": warmup.id if warmup else None,
                "cell": cell.model_dump(mode="json"),
            }
        )
    text = grid.path.read_bytes()
    content = {
        "schema": SCHEMA,
        "grid_sha256": hashlib.sha256(text).hexdigest(),
        "fingerprint": code_fingerprint(),
        "data_stat": data_stat((point["cell"]["data"] for point in points), directory),
        "directory": str(directory),
        "name": grid.name,
        "compare": _plain(grid.compare),
        "budget": _plain(grid.budget),
        "execution": _plain(grid.execution),
        "axes": {key: list(values) for key, values in grid.axes.items()},
        "excluded": [_plain(excluded) for excluded in grid.excluded],
        "notes": notes,
        "points": points,
        "warmups": warmups,
    }
    # Once through JSON, so that a fresh plan and one read back are equal.
    return Plan(json.loads(json.dumps(content, allow_nan=False)), text)


def load_plan(path: Path, root: Path, *, remember: bool = False, meanwhile: Callable[[], None] = lambda: None) -> Plan:
    """Returns the plan of a grid file, from the store under `root` where neither file, code nor data changed since.

    Writes nothing, unless the hashes of the images shall be remembered in the store. Where the plan is not there it
    takes seconds, and `meanwhile` is called first, to start what can go on beside it.

    Raises:
        GridError: with every mistake of the file.
        ValueError: where there is no such file, or the data are not there.
    """
    if not path.is_file():
        raise ValueError(f"there is no grid file {path}; `ablate init {path}` writes one to start from")
    stored = _stored(path, root)
    if stored is not None:
        return stored
    meanwhile()
    from ablate.grid import read_grid

    grid = read_grid(path)
    return plan(grid, Store(root, grid.name).data_cache if remember else None)


def stored_plan(store: Store) -> Plan | None:
    """Returns the plan of the latest run as it stands, without asking whether the grid file changed since.

    Raises:
        ValueError: where it was written by an ablate with other files.
    """
    content = store.plan()
    if content is None:
        return None
    if content["schema"] != SCHEMA:
        raise ValueError(f"{store.path / 'plan.json'} has schema {content['schema']}; this ablate reads {SCHEMA}")
    return Plan(content, (store.path / "grid.toml").read_bytes())


def _stored(path: Path, root: Path) -> Plan | None:
    text = path.read_bytes()
    try:
        name = tomllib.loads(text.decode("utf-8-sig")).get("name", path.stem)
    except ValueError:
        return None  # read_grid says what is wrong with the file
    content = Store(root, name).plan() if isinstance(name, str) and name.isprintable() else None
    if content is None:
        return None
    directory = path.parent.resolve()
    expected = (SCHEMA, hashlib.sha256(text).hexdigest(), code_fingerprint(), str(directory))
    if tuple(content.get(key) for key in ("schema", "grid_sha256", "fingerprint", "directory")) != expected:
        return None
    if content["data_stat"] != data_stat((point["cell"]["data"] for point in content["points"]), directory):
        return None
    return Plan(content, text)


def data_stat(data: Iterable[Mapping[str, Any]], directory: Path) -> str:
    """Returns a cheap fingerprint (names, sizes, times) of all images that the cells use."""
    from ablate.config import Data
    from ablate.data import stat_fingerprint

    distinct = {json.dumps([one[key] for key in WHICH_FILES]): one for one in data}
    parts = [stat_fingerprint(Data.model_validate(distinct[key]), directory) for key in sorted(distinct)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _warmup(warmup: Warmup) -> dict[str, Any]:
    return {
        "id": warmup.id,
        "sha256": warmup.sha256,
        "schema": SCHEMA,
        "label": f"warm-up {warmup.id[:4]} seed={warmup.seed}",
        "seed": warmup.seed,
        "warmup": warmup.model_dump(mode="json"),
    }


def _plain(value: Any) -> Any:
    """Returns settings of the grid as plain data, whatever typed form they have."""
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    return dict(value) if isinstance(value, Mapping) else value
