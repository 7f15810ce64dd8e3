"""Groups of settings that cells have in common, each kept once: thousands of cells cost what they differ in."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ablate.settings import Known, Settings

if TYPE_CHECKING:
    from ablate.config import Cell, Warmup

APART = ("seed", "replicate")
"""What the cells of an arm differ in."""


class Groups:
    """What is worked out of groups of settings, by the object that each is; cells of one arm have the same objects.

    `resolve` gives a cell what its images and files are; it is asked once for each arm.
    """

    def __init__(self, resolve: Callable[[Cell], Cell]) -> None:
        self._resolve = resolve
        self._arms: dict[tuple[int, ...], tuple[Cell, Cell]] = {}
        self._by_content: dict[tuple[type, str], Settings] = {}
        self._plain: dict[int, tuple[Settings, dict[str, Any]]] = {}
        self._known: Known = {}
        self._warmups: dict[tuple[int, ...], Warmup | None] = {}

    def cell(self, cell: Cell) -> Cell:
        """Returns a cell as it is resolved, made of groups that equal cells share."""
        key = tuple(id(value) for name, value in cell.__dict__.items() if name not in APART)
        if key not in self._arms:
            resolved = self._resolve(cell)
            shared = {name: self._one(value) for name, value in resolved if isinstance(value, Settings)}
            # The given cell is kept, so that no other object gets the number of one of its groups.
            self._arms[key] = (cell, resolved.model_copy(update=shared))
        return self._arms[key][1].model_copy(update={name: getattr(cell, name) for name in APART})

    def sha256(self, cell: Cell) -> str:
        """Returns the hash of a cell of `cell`."""
        return cell.hashed(self._known)

    def plain(self, cell: Cell) -> dict[str, Any]:
        """Returns a cell of `cell` as plain data, of which equal groups are the same objects."""
        return {name: self._as_plain(value) if isinstance(value, Settings) else value for name, value in cell}

    def warmup(self, cell: Cell) -> Warmup | None:
        """Returns the warm-up of a cell of `cell`, one object for all cells that start from it."""
        key = (*(id(getattr(cell, name)) for name in ("data", "model", "optimizers", "train")), cell.seed)
        if key not in self._warmups:
            self._warmups[key] = cell.warmup
        return self._warmups[key]

    def _one(self, group: Settings) -> Settings:
        return self._by_content.setdefault((type(group), group.model_dump_json()), group)

    def _as_plain(self, group: Settings) -> dict[str, Any]:
        if id(group) not in self._plain:
            self._plain[id(group)] = (group, group.model_dump(mode="json"))
        return self._plain[id(group)][1]
