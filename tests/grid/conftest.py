"""Grid files written for one test."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

from ablate.grid import Grid, GridError, Mistake, read_grid

HEAD = 'schema = 1\nname = "test"\n'


@pytest.fixture
def grid_file(tmp_path: Path) -> Callable[[str], Path]:
    """Writes a text as grid.toml and returns its path."""

    def write(text: str) -> Path:
        path = tmp_path / "grid.toml"
        path.write_text(dedent(text), encoding="utf-8")
        return path

    return write


@pytest.fixture
def grid(grid_file: Callable[[str], Path]) -> Callable[[str], Grid]:
    """Reads what follows schema and name; the base is the preset tiny where the text has no [base]."""

    def read(text: str) -> Grid:
        base = "" if "[base" in text else '[base]\npreset = "tiny"\n'
        return read_grid(grid_file(HEAD + base + dedent(text)))

    return read


@pytest.fixture
def mistakes(grid_file: Callable[[str], Path]) -> Callable[[str], tuple[Mistake, ...]]:
    """Returns the mistakes of a whole file."""

    def read(text: str) -> tuple[Mistake, ...]:
        with pytest.raises(GridError) as caught:
            read_grid(grid_file(text))
        return caught.value.mistakes

    return read
