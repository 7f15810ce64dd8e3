"""Short names of cells, from what varies in a grid: `adversarial=hinge scales=3 seed=0`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from ablate.grid.axes import Combination, Factor, Level, levels_of
from ablate.grid.keys import Key
from ablate.grid.mistakes import toml_text
from ablate.records import AxisNames, LevelName

ALONE = "base"
"""The label of a combination where nothing varies."""


def short_names(keys: Iterable[str]) -> dict[str, str]:
    """Shortens dotted keys to their last part, or to as many parts as tell them apart."""
    names = list(keys)
    return {name: _shortest(name, [other for other in names if other != name]) for name in names}


def combination_labels(factors: Sequence[Factor], combinations: Sequence[Combination]) -> dict[Combination, str]:
    """Returns a label for each combination, from what has more than one value among all of them.

    Keys go by their short names, zips that have a label by it.
    """
    varied: dict[str, set[Any]] = {}
    for combination in combinations:
        for key, level in levels_of(factors, combination):
            varied.setdefault(key.name, set()).add(key.same(level.value))
    labelled = {key.name for factor in factors if factor.label for key in factor.keys}
    names = [name for name, values in varied.items() if len(values) > 1]
    short = short_names(name for name in names if name not in labelled)

    def parts(combination: Combination) -> Iterator[str]:
        for factor, choice in zip(factors, combination, strict=True):
            if factor.label and any(key.name in names for key in factor.keys):
                yield f"{factor.label}={_choice_name(factor, choice)}"
                continue
            for key, level in zip(factor.keys, factor.choices[choice], strict=True):
                if key.name in short:
                    yield f"{short[key.name]}={_text(key, level)}"

    return {combination: " ".join(parts(combination)) or ALONE for combination in combinations}


def names_of(factors: Sequence[Factor]) -> tuple[AxisNames, ...]:
    """Returns what the file calls axes and levels, of those that it gives a name."""
    found = []
    for factor in factors:
        levels = []
        for index, choice in enumerate(factor.choices):
            if (called := factor.called(index)) is not None:
                values = [key.text(level.value) for key, level in zip(factor.keys, choice, strict=True)]
                levels.append(LevelName(values=values, label=called))
        if factor.label or levels:
            keys = tuple(key.name for key in factor.keys)
            found.append(AxisNames(keys=keys, label=factor.label, levels=tuple(levels)))
    return tuple(found)


def cell_label(label: str, seed: int, replicate: int = 0) -> str:
    """Adds the seed, and which repetition of it, to the label of a combination."""
    return f"{label} seed={seed}" + (f" replicate={replicate}" if replicate else "")


def plain(factors: Sequence[Factor], combination: Combination) -> dict[str, Any]:
    """Returns the values of a combination by dotted key as plain data."""
    return {key.name: key.text(level.value) for key, level in levels_of(factors, combination)}


def _choice_name(factor: Factor, choice: int) -> str:
    """Returns what a choice is called: by the file, or by its values."""
    texts = (_text(key, level) for key, level in zip(factor.keys, factor.choices[choice], strict=True))
    return factor.called(choice) or "+".join(texts)


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
