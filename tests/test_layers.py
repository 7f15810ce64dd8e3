"""The house: no circle of files anywhere, and a registry that names no room."""

from __future__ import annotations

import re
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from ablate import registry

grimp = pytest.importorskip("grimp")


@cache
def imported() -> dict[str, set[str]]:
    """Every module of the package with those that it imports, at the top of the file or inside a function."""
    graph = grimp.build_graph("ablate", exclude_type_checking_imports=True, cache_dir=None)
    return {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}


def circle(imports: dict[str, set[str]]) -> list[str]:
    """Returns modules of which each is imported by the next and the last is the first, or none."""
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        return error.args[1]
    return []


def test_no_circle_of_files() -> None:
    assert len(imported()) > 200
    assert circle(imported()) == []


def test_a_circle_would_be_found_and_listed() -> None:
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) in (
        ["a", "c", "b", "a"], ["b", "a", "c", "b"], ["c", "b", "a", "c"],
    )  # fmt: skip


def test_the_registry_names_no_other_room() -> None:
    texts = [path.read_text() for path in Path(registry.__file__).parent.glob("*.py")]
    named = {name for text in texts for name in re.findall(r"ablate\.\w+", text)}
    assert named == {"ablate.registry", "ablate.limits"}, "the second is no room: what numbers may be, below it"
