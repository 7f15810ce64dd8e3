"""A cell with some of its settings changed."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from ablate.config.cell import Cell


def changed(cell: Mapping[str, Any], values: Mapping[str, Any]) -> Cell:
    """Returns the cell, given as plain data, with other values by dotted key; the option of a term lands in the term.

    Raises:
        ValidationError: where the settings make no cell.
    """
    tree = copy.deepcopy(dict(cell))
    for key, value in values.items():
        *groups, last = key.split(".")
        table = tree
        for group in groups:
            table = table[group]
        if set(table) == {"name", "options"}:
            table = table["options"]
        table[last] = value
    return Cell.model_validate(tree)
