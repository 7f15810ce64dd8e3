"""The plan that the store has of a grid file, where neither file, code, plugins nor data changed since."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ablate.execute.environment import code_fingerprint
from ablate.execute.plan import Plan
from ablate.plugins.load import installed, load
from ablate.plugins.source import PluginError, source_of_module
from ablate.records import PlanRecord, Plugins, RecordError
from ablate.store import Store
from ablate.store.plugins import offer


def planned_before(path: Path, root: Path, reading: bool) -> Plan | None:
    """Returns the plan of a grid file from the store under `root`, or None where it is worked out anew."""
    text = path.read_bytes()
    try:
        content = tomllib.loads(text.decode("utf-8-sig"))
        name = content.get("name", path.stem)
    except ValueError:
        return None  # read_grid says what is wrong with the file
    try:
        record = Store(root, name).plan() if isinstance(name, str) and name.isprintable() else None
    except RecordError:
        return None  # worked out anew, and written over by the next run
    directory = path.parent.resolve()
    expected = (hashlib.sha256(text).hexdigest(), code_fingerprint(), str(directory))
    if record is None or (record.grid_sha256, record.fingerprint, record.directory) != expected:
        return None
    faults = _plugins_again(record, content.get("plugins", {}), directory, reading)
    if faults is None:
        return None
    try:
        now = data_stat((point.cell for point in record.points), directory)
    except ValidationError:
        return None  # planned with a data source that is not registered now: read_grid says which
    if record.data_stat != now:
        return None
    return Plan(record, text, tuple(faults))


def _plugins_again(
    record: PlanRecord, declared: Mapping[str, Any], directory: Path, reading: bool
) -> Sequence[str] | None:
    """Loads the plugins of a stored plan; returns what is to say of them, or None where they are no longer the same.

    To read results, one that cannot be loaded counts as the same.
    """
    if not record.plugins and not declared and not installed():
        return ()
    from ablate.grid.plugins import named_plugins

    readers = named_plugins(directory, Plugins.model_validate(declared))
    planned = {each.name: each.defined_by for each in record.plugins}
    if planned.keys() != {*readers, *installed()}:
        return None
    try:
        for name in planned:
            source = readers[name]() if name in readers else source_of_module(name)
            if source.defined_by != planned[name]:
                return None
            load(source)
    except PluginError:
        return offer(record.plugins) if reading else None
    return ()


def data_stat(cells: Iterable[Mapping[str, Any]], directory: Path) -> str:
    """Returns a cheap fingerprint (names, sizes, times) of all images that the cells, as plain data, use."""
    from ablate.config import Data
    from ablate.config.data import WHICH_IMAGES
    from ablate.data import stat_fingerprint
    from ablate.data.sets import stat_of_set

    # Cells share the objects of their groups, so that few are left to be compared.
    cells = list({(id(cell["data"]), id(cell.get("evaluation"))): cell for cell in cells}.values())
    distinct = {json.dumps([cell["data"].get(key) for key in WHICH_IMAGES]): cell["data"] for cell in cells}
    parts = [stat_fingerprint(Data.model_validate(distinct[key]), directory) for key in sorted(distinct)]
    sets = {path for cell in cells for path in cell.get("evaluation", {}).get("sets", {}).values()}
    parts += [stat_of_set(path, directory) for path in sorted(sets)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
