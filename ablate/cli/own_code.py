"""Code of one's own that an option of a command names."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ablate.plugins.source import Source


def load_plugins(paths: Sequence[Path]) -> tuple[Source, ...]:
    """Loads plugin files, and those that grid files name.

    Raises:
        ValueError: where one cannot be loaded.
    """
    from ablate.grid.plugins import read_plugins
    from ablate.grid.sheet import Sheet
    from ablate.plugins.load import load
    from ablate.plugins.source import source_of_file

    sources: list[Source] = []
    for path in paths:
        if path.suffix == ".toml":
            sources += read_plugins(Sheet.open(path))
        else:
            sources.append(source_of_file(path, str(path)))
            load(sources[-1])
    return tuple(sources)
