"""A grid that is written in Python instead of TOML."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Grid:
    """The tables of a grid file, by the same names and with the same meaning.

    Attributes:
        name: of the grid; its results lie in runs/<name>.
        base: one complete cell, `{"preset": "tiny", "loss": {"lambda_x": 12.0}}`.
        axes: values of each setting that varies, `{"loss.adversarial": ["vanilla", "lsgan"]}`.
        seeds: of the trainings.
        tables: every further table of the file, such as `compare`, `budget` or `reference`, and what `seeds` has beside
            its values, `{"seeds": {"aa": True}}`.

    Raises:
        ValueError: where `tables` has what a field of its own says.
    """

    name: str
    base: Mapping[str, Any] = field(default_factory=lambda: {"preset": "tiny"})
    axes: Mapping[str, Any] = field(default_factory=dict)
    seeds: Sequence[int] = (0,)
    tables: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        given = [name for name in ("name", "base", "axes") if name in self.tables]
        given += ["seeds"] if "values" in self.tables.get("seeds", {}) else []
        if given:
            raise ValueError(f"tables has {given[0]!r}, which is given as Grid({given[0]}=...)")

    @property
    def toml(self) -> str:
        """The grid as the text of a grid file."""
        import tomli_w

        written = {"schema": 1, "name": self.name, "base": _plain(self.base), "axes": _plain(self.axes)}
        seeds = {"values": list(self.seeds), **_plain(self.tables.get("seeds", {}))}
        return tomli_w.dumps({**written, **_plain(self.tables), "seeds": seeds})

    def write(self, path: str | Path | None = None) -> Path:
        """Writes the grid file, NAME.toml in the current directory unless `path` says where, and returns its path.

        Paths of images in the grid are relative to it. A file with the same text stays as it is.

        Raises:
            ValueError: where a file with another text is there; it is not written over.
        """
        from ablate.atomic import write_bytes

        where = Path(path) if path is not None else Path(f"{self.name}.toml")
        content = self.toml.encode()
        if where.exists() and where.read_bytes() != content:
            raise ValueError(f"{where} is there already, with another grid; delete it, or choose another name or path")
        write_bytes(where, content)
        return where


def _plain(value: Any) -> Any:
    """Returns a value with lists for tuples and dicts for mappings, as TOML has them."""
    if isinstance(value, Mapping):
        return {str(key): _plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple | range):
        return [_plain(part) for part in value]
    return value
