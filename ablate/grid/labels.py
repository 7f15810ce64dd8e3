"""Short names of cells, from what varies in a grid: `adversarial=hinge scales=3 seed=0`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ablate.grid.axes import Combination, Factor, Level, levels_of
from ablate.grid.keys import Key
from ablate.grid.mistakes import toml_text

ALONE = "base"
"""The label of a combination where nothing varies."""


def short_names(keys: Iterable[str]) -> dict[str, str]:
    """Shortens dotted keys to their last part, or to as many parts as tell them apart."""
    names = list(keys)
    return {name: _shortest(name, [other for other in names if other != name]) for name in names}


def combination_labels(factors: Sequence[Factor], combinations: Sequence[Combination]) -> dict[Combination, str]:
    """Returns a label for each combination, from the keys that have more than one value among all of them."""
    levels = {c: levels_of(factors, c) for c in combinations}
    varied: dict[str, set[Any]] = {}
    for pairs in levels.values():
        for key, level in pairs:
            varied.setdefault(key.name, set()).add(key.same(level.value))
    short = short_names(name for name, values in varied.items() if len(values) > 1)
    return {
        combination: " ".join(f"{short[key.name]}={_text(key, level)}" for key, level in pairs if key.name in short)
        or ALONE
        for combination, pairs in levels.items()
    }


def cell_label(label: str, seed: int, replicate: int = 0) -> str:
    """Adds the seed, and which repetition of it, to the label of a combination."""
    return f"{label} seed={seed}" + (f" replicate={replicate}" if replicate else "")


def plain(factors: Sequence[Factor], combination: Combination) -> dict[str, Any]:
    """Returns the values of a combination by dotted key as plain data."""
    return {key.name: key.text(level.value) for key, level in levels_of(factors, combination)}


def _text(key: Key, level: Level) -> str:
    if level.label is not None:
        return level.label
    value = key.text(level.value)
    if isinstance(value, float):
        return f"{value:.6g}"
    return value if isinstance(value, str) else toml_text(value)


def _shortest(name: str, others: Sequence[str]) -> str:
    parts = name.split(".")
    tails = [".".join(parts[start:]) for start in range(len(parts) - 1, -1, -1)]
    return next((tail for tail in tails if not any(o.endswith(f".{tail}") or o == tail for o in others)), name)
