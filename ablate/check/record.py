"""Record of a grid as a gate compares it: settings, protocol and values of each cell, without anything else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from pydantic import Field, JsonValue

from ablate.config import NOT_IDENTITY, Data, Settings
from ablate.execute import Plan
from ablate.metrics.catalogue import in_reading_order
from ablate.records import WEIGHTS, AlteredError, CellRecord, Damage, RecordError, Result, Status
from ablate.settings import flat
from ablate.store import Store
from ablate.store.artefacts import IMAGES
from ablate.store.measured import image_rows
from ablate.store.seal import altered, require_whole

ABOUT_THE_MACHINE = ("device", "gpu", "cpu", "cuda", "torch", "python", "threads")
"""Facts of a result's environment that say where it was made."""


class SeedRecord(Settings):
    """One seed of an arm: how it ended, and its values under the averaged weights, of the whole set and by image.

    `other_code` says by which other code than the gate shall judge it was made; a baseline holds no such cell.
    """

    id: str
    status: Status
    cause: str | None = None
    protocol: dict[str, dict[str, JsonValue]] = Field(default_factory=dict)
    values: dict[str, float | None] = Field(default_factory=dict)
    images: dict[str, dict[str, float | None]] = Field(default_factory=dict)
    other_code: str | None = Field(None, exclude=True)

    @property
    def trouble(self) -> str | None:
        """Says why the cell cannot be judged, None where it can."""
        if self.other_code:
            return f"other code, {self.other_code}"
        if self.status.finished:
            return None
        return self.status.value + (f": {self.cause}" if self.cause else "")


class ArmRecord(Settings):
    """All seeds of one setting; `settings` are flat, without the seed and without where the images lie."""

    settings: dict[str, JsonValue]
    cells: dict[int, SeedRecord]


class GridRecord(Settings):
    """All arms of a grid; `made` says by which code and on which machine, `probe` what its metrics give (`probe`)."""

    grid: str
    made: dict[str, JsonValue]
    probe: dict[str, float | None]
    arms: dict[str, ArmRecord]
    unsealed: int = Field(0, exclude=True)
    """Cells that were finished before there were seals."""

    def cells(self) -> dict[tuple[str, int], SeedRecord]:
        """Returns every cell by arm and seed."""
        return {(name, seed): cell for name, arm in self.arms.items() for seed, cell in arm.cells.items()}

    def values(self, metric: str) -> dict[tuple[str, int], float]:
        """Returns what was measured of a metric, by arm and seed."""
        found = {at: cell.values.get(metric) for at, cell in self.cells().items()}
        return {at: value for at, value in found.items() if value is not None}


def record(plan: Plan, store: Store, *, code: str | None, probe: Mapping[str, float | None]) -> GridRecord:
    """Reads what became of every cell that the grid means now; a cell that was never run is pending.

    Args:
        plan: of the grid file as it stands.
        store: where its results lie.
        code: the fingerprint of the code to judge; a cell, or a warm-up, of another is not. None takes any.
        probe: what the metrics give today.
    """
    cells = [cell for cell in store.cell_records(plan.record) if cell.part != "trial"]
    warmups = {cell.warmup: altered(store.warmup(cell.warmup)) for cell in cells if cell.warmup}
    arms: dict[str, tuple[dict[str, JsonValue], dict[int, SeedRecord]]] = {}
    for cell in cells:
        # A second run of a seed measures the machine, and is no seed of its own.
        if not cell.replicate:
            _, seeds = arms.setdefault(cell.arm, (settings_of(cell.config), {}))
            seeds[cell.seed] = _seed(cell, store, code, warmups.get(cell.warmup or "", ()))
    return GridRecord(
        grid=plan.name,
        made=_made(cell.result for cell in cells if cell.result),
        probe=dict(probe),
        arms={name: ArmRecord(settings=settings, cells=seeds) for name, (settings, seeds) in arms.items()},
        unsealed=sum(cell.unsealed for cell in cells),
    )


def settings_of(config: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """Returns the settings of a cell under dotted names, without seed and paths."""
    paths = {f"data.{name}" for name, info in Data.model_fields.items() if info.json_schema_extra == NOT_IDENTITY}
    settings = flat(config, terms_apart=True)
    return {key: value for key, value in settings.items() if key not in {"seed", "replicate", *paths}}


def _seed(cell: CellRecord, store: Store, code: str | None, warmup: Sequence[Damage]) -> SeedRecord:
    plain = SeedRecord(id=cell.id, status=cell.status, cause=cell.cause)
    if cell.result is None:
        return plain
    entry = store.cell(cell.id)
    try:
        if warmup:
            raise AlteredError(warmup[0])
        require_whole(entry, cell.result, (IMAGES,))
        other = _other_code(cell, cell.result, store, code)
        images = image_rows(entry, cell.config, WEIGHTS[0]) if cell.measured and not other else {}
    except AlteredError as error:
        return SeedRecord(id=cell.id, status=Status.altered, cause=str(error))
    except RecordError as error:
        return SeedRecord(id=cell.id, status=Status.broken, cause=str(error))
    if other:
        return plain.model_copy(update={"other_code": other})
    figures = cell.result.metrics.get(WEIGHTS[0], {})
    values = {metric.name: figures[metric.name] for metric in in_reading_order(figures)}
    by_image = {
        name: {image: row[name] for image, row in images.items()}
        for name in sorted(values)
        if any(name in row for row in images.values())
    }
    return plain.model_copy(update={"protocol": cell.result.protocol, "values": values, "images": by_image})


def _other_code(cell: CellRecord, result: Result, store: Store, code: str | None) -> str | None:
    """Says which part of the result comes from other code; a warm-up outlives a change of code as a cell does."""
    if code is None:
        return None
    warmup = store.warmup(cell.warmup).result() if cell.warmup else None
    for what, made in (("", result), ("its warm-up was ", warmup)):
        found = made.environment.fingerprint if made else None
        if found and found != code:
            return f"{what}made by {found}, and this is {code}"
    return None


def _made(results: Iterable[Result]) -> dict[str, JsonValue]:
    """Returns code and machine of the results; several of a kind are joined."""
    environments = [result.environment for result in results]
    made: dict[str, JsonValue] = {}
    for key in ("fingerprint", "git", "ablate", *ABOUT_THE_MACHINE):
        found = dict.fromkeys(str(fact) for one in environments if (fact := one.fact(key)) is not None)
        if found:
            made[key] = " and ".join(found)
    return made
