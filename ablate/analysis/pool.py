"""Several grids as one study, where their cells may be compared; a refusal with every reason where they may not."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ablate.analysis.axes import value_text
from ablate.analysis.study import Study
from ablate.config.data import WHICH_IMAGES
from ablate.grid.labels import short_names
from ablate.metrics.protocol import differences
from ablate.records import CellRecord
from ablate.settings import flat

GRID = "grid"
"""The axis that tells grids apart where they differ in more settings than a reader could follow."""

SETTINGS = 3
"""Settings outside the axes in which grids may differ, each becoming an axis; with more, the grid itself is one."""

ASIDE = ("seed", "replicate", *(f"data.{key}" for key in (*WHICH_IMAGES, "train_digest", "test_digest")))
"""How keys begin that are no setting of a cell's arm; images are compared by their hashes."""

MISSING = object()


def pool(studies: Sequence[Study], *, allow_mixed_code: bool = False) -> Study:
    """Returns one study of all cells; axes of one grid are filled in for the others from their cells' settings.

    A cell that lies in several grids counts once. What is declared for the comparison is what the first grid declares.

    Raises:
        ValueError: naming every difference in data, measuring protocol or code that forbids the comparison.
    """
    if len(studies) == 1:
        return studies[0]
    names = [study.name for study in studies]
    if len(set(names)) < len(names):
        raise ValueError(f"each grid can be in a report once, not {', '.join(names)}")
    # Each with each: two may differ in a metric that the first was not measured by.
    pairs = itertools.combinations(studies, 2)
    reasons = [reason for first, other in pairs for reason in _reasons(first, other, allow_mixed_code)]
    if reasons:
        raise ValueError("these grids cannot be compared in one report:\n  " + "\n  ".join(reasons))
    axes = _axes(studies)
    found = list(_cells(studies, axes))
    if GRID not in axes and _meet(found, axes):
        axes = (*axes, GRID)
        found = list(_cells(studies, axes))
    cells = _named(found, axes)
    prints = {study.fingerprint for study in studies}
    return Study(
        name=" + ".join(names),
        grid_text="\n".join(f"# {study.name}.toml\n{study.grid_text}" for study in studies),
        fingerprint=prints.pop() if len(prints) == 1 else None,
        compare=studies[0].compare,
        planned_axes=_levels(cells, axes, studies),
        axis_names=tuple({each.keys: each for study in reversed(studies) for each in study.axis_names}.values()),
        excluded=tuple(each for study in studies for each in study.excluded),
        cells=cells,
        references=tuple({each[0].label: each for study in studies for each in study.references}.values()),
    )


def _reasons(first: Study, other: Study, allow_mixed_code: bool) -> Iterator[str]:
    """Yields a sentence for each thing in which two grids must not differ."""
    between = f"{first.name} and {other.name}"
    for split in ("train", "test"):
        found = [
            _values(study, lambda cell, s=split: cell.config.get("data", {}).get(f"{s}_digest"))
            for study in (first, other)
        ]
        if found[0] != found[1]:
            yield f"{between} have other {split} images: sha256 {_short(found[0])} and {_short(found[1])}"
    for metric, records in _protocols(first).items():
        for own in records:
            for others in _protocols(other).get(metric, ()):
                for difference in differences(own, others):
                    yield f"{between} were measured by other protocols of {metric}: {difference}"
    if not allow_mixed_code:
        code = [
            _values(study, lambda cell: cell.result.environment.fingerprint if cell.result else None)
            for study in (first, other)
        ]
        if code[0] and code[1] and code[0] != code[1]:
            yield (
                f"{between} ran with other code: {_short(code[0])} and {_short(code[1])} (--allow-mixed-code compares "
                "them nevertheless, and the report says so)"
            )


def _values(study: Study, of: Any) -> set[str]:
    return {str(value) for cell in study.cells if (value := of(cell)) is not None}


def _short(values: set[str]) -> str:
    return ", ".join(sorted(f"{value[:12]}…" if len(value) > 12 else value for value in values)) or "none recorded"


def _protocols(study: Study) -> dict[str, list[Mapping[str, Any]]]:
    """Returns each distinct record of how a metric was measured."""
    found: dict[str, dict[str, Mapping[str, Any]]] = {}
    for cell in study.cells:
        for metric, record in (cell.result.protocol if cell.result else {}).items():
            found.setdefault(metric, {})[json.dumps(record, sort_keys=True)] = record
    return {metric: list(records.values()) for metric, records in found.items()}


def _axes(studies: Sequence[Study]) -> tuple[str, ...]:
    """Returns the keys that any grid varies, and those outside them in which grids differ as a whole."""
    planned = list(dict.fromkeys(key for study in studies for key in study.planned_axes))
    constants = [_constants(study) for study in studies]
    shared = set.intersection(*(set(each) for each in constants))
    apart = sorted(
        key
        for key in shared
        if len({each[key] for each in constants}) > 1 and not any(_inside(key, other) for other in planned)
    )
    return (*planned, *(apart if len(apart) <= SETTINGS else [GRID]))


def _inside(key: str, other: str) -> bool:
    return f"{key}.".startswith(f"{other}.") or f"{other}.".startswith(f"{key}.")


def _constants(study: Study) -> dict[str, str]:
    """Returns every setting that is the same for all cells on a grid's axes, as text."""
    on_axes = [cell for cell in study.cells if set(cell.axes) == set(study.planned_axes)]
    found = [_settings(cell) for cell in on_axes]
    keys = set.intersection(*(set(each) for each in found)) if found else set()
    return {key: found[0][key] for key in keys if len({each[key] for each in found}) == 1}


def _settings(cell: CellRecord) -> dict[str, str]:
    """Returns the settings of a cell's arm as text, by dotted key."""
    return {key: json.dumps(value, sort_keys=True) for key, value in flat(cell.config).items() if _of_arm(key, cell)}


def _of_arm(key: str, cell: CellRecord) -> bool:
    """Whether a setting tells arms apart; how a cell is measured is compared figure by figure, unless it is an axis."""
    return not key.startswith(ASIDE) and (not key.startswith("evaluation.") or key in cell.axes)


def _cells(studies: Sequence[Study], axes: Sequence[str]) -> Iterator[CellRecord]:
    """Yields every cell once; those on their own grid's axes with a level on each of the common ones."""
    written = _texts(studies)
    known: set[str] = set()
    for study in studies:
        for cell in study.cells:
            if cell.id in known:
                continue
            known.add(cell.id)
            if set(cell.axes) != set(study.planned_axes):
                yield cell
                continue
            levels = {key: _level(cell, key, study.name, written) for key in axes}
            yield replace(cell, axes={key: value for key, value in levels.items() if value is not MISSING})


def _meet(cells: Sequence[CellRecord], axes: Sequence[str]) -> bool:
    """Returns whether different cells lie at one point of the axes, where one would hide the other."""
    places = [
        (*(value_text(cell.axes[key]) for key in axes), cell.seed, cell.replicate)
        for cell in cells
        if set(cell.axes) == set(axes)
    ]
    return len(set(places)) < len(places)


def _texts(studies: Sequence[Study]) -> dict[tuple[str, str], Any]:
    """Returns for each key and setting how the grid files write it."""
    return {
        (key, json.dumps(_at(cell.config, key), sort_keys=True)): value
        for study in studies
        for cell in study.cells
        for key, value in cell.axes.items()
        if _at(cell.config, key) is not MISSING
    }


def _level(cell: CellRecord, key: str, grid: str, written: Mapping[tuple[str, str], Any]) -> Any:
    if key == GRID:
        return grid
    if key in cell.axes:
        return cell.axes[key]
    setting = _at(cell.config, key)
    if setting is MISSING:
        return MISSING
    plain = setting if isinstance(setting, int | float | str) else value_text(setting)
    return written.get((key, json.dumps(setting, sort_keys=True)), plain)


def _at(settings: Any, key: str) -> Any:
    for part in key.split("."):
        if not isinstance(settings, Mapping) or part not in settings:
            return MISSING
        settings = settings[part]
    return settings


def _named(cells: Sequence[CellRecord], axes: Sequence[str]) -> tuple[CellRecord, ...]:
    """Names arms by all axes that vary, so that an arm is called alike whichever grid it comes from."""
    on_axes = [cell for cell in cells if set(cell.axes) == set(axes)]
    varied = [key for key in axes if len({value_text(cell.axes[key]) for cell in on_axes}) > 1]
    short = short_names(varied)
    chosen: dict[tuple[tuple[str, str], ...], str] = {}
    renamed = []
    for cell in cells:
        setting = tuple(sorted(_settings(cell).items()))
        on = set(cell.axes) == set(axes)
        name = " ".join(f"{short[key]}={value_text(cell.axes[key])}" for key in varied) if on and varied else cell.arm
        if setting not in chosen:
            chosen[setting] = f"{name} ({cell.grid})" if name in chosen.values() else name
        renamed.append(replace(cell, arm=chosen[setting]))
    return tuple(renamed)


def _levels(
    cells: Sequence[CellRecord], axes: Sequence[str], studies: Sequence[Study]
) -> dict[str, tuple[Any, ...]]:  # fmt: skip
    """Returns the levels of each axis: those of the grid files in their order, then what other grids hold there.

    Where the first grid has no such axis, what it holds comes first: comparisons start from its cells.
    """
    levels = {}
    for key in axes:
        planned = [value for study in studies for value in study.planned_axes.get(key, ())]
        on_axes = [cell for cell in cells if set(cell.axes) == set(axes)]
        held = [cell.axes[key] for cell in on_axes]
        own = [cell.axes[key] for cell in on_axes if cell.grid == studies[0].name]
        first = () if key in studies[0].planned_axes else own
        levels[key] = tuple({value_text(value): value for value in (*first, *planned, *held)}.values())
    return levels
