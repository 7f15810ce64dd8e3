"""Reads a grid file: TOML to points, or every mistake at once."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from ablate.grid.grid import Grid, Header
from ablate.grid.mistakes import GridError, there_is
from ablate.grid.plugins import read_plugins
from ablate.grid.points import resolve
from ablate.grid.references import read_references
from ablate.grid.sections import Budget, Compare, Design, Execution, Seeds, Tune
from ablate.grid.sheet import Sheet

TABLES = (
    "plugins",
    "base",
    "axes",
    "zip",
    "exclude",
    "include",
    "reference",
    "design",
    "seeds",
    "tune",
    "compare",
    "budget",
    "execution",
)
SCHEMA = 1
_NAME_FORM = "allowed: letters, digits, - _ and ., not . in front"


def read_grid(path: Path | str) -> Grid:
    """Reads a grid file.

    Raises:
        GridError: with every mistake in the file.
    """
    sheet = Sheet.open(Path(path))
    header = _header(sheet)
    resolved = resolve(sheet, header)
    if sheet.mistakes:
        raise GridError(sheet.mistakes)
    return Grid(**(vars(header) | vars(resolved)))


def _header(sheet: Sheet) -> Header:
    for key in sheet.data:
        if key not in ("schema", "name", *TABLES):
            sheet.unknown_key((key,), key, ["schema", "name", *TABLES])
    _check_schema(sheet)
    return Header(
        name=_name(sheet),
        path=sheet.path,
        plugins=read_plugins(sheet),
        design=sheet.section("design", Design),
        seeds=sheet.section("seeds", Seeds),
        compare=sheet.section("compare", Compare),
        budget=sheet.section("budget", Budget),
        execution=sheet.section("execution", Execution),
        references=read_references(sheet),
        tune=sheet.section("tune", Tune) if "tune" in sheet.data else None,
    )


def _check_schema(sheet: Sheet) -> None:
    schema: Any = sheet.data.get("schema")
    if schema is None:
        sheet.report((), "schema", "missing", allowed=f"allowed: schema = {SCHEMA}")
    elif schema != SCHEMA or isinstance(schema, bool):
        sheet.report(("schema",), "schema", "unknown schema", found=schema, allowed=there_is([SCHEMA]))


def _name(sheet: Sheet) -> str:
    """Returns the name of the grid, that of its file where it gives none; a directory is called so."""
    name = sheet.data.get("name", sheet.path.stem)
    if isinstance(name, str) and re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9._-]*", name):
        return name
    problem = "not a name" if "name" in sheet.data else "missing, and the file's own name cannot stand in"
    sheet.report(("name",), "name", problem, found=name, allowed=_NAME_FORM)
    return "grid"
