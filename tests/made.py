"""Makes records for tests: what a test does not care about is filled in."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from ablate.records import Result, write
from ablate.store import Entry
from ablate.store.artefacts import artefacts


def made_result(entry: Entry, **facts: Any) -> Result:
    """Returns a result of the entry with the given facts."""
    return Result.model_validate({"id": entry.path.name, "status": "done", "step": 0, "seconds": 0.0, **facts})


def reseal(entry: Entry, change: Callable[[dict[str, Any]], object] = lambda _result: None) -> None:
    """Changes what an entry's result says, and seals it and its files as they are now, as if it had ended so."""
    path = entry.path / "result.json"
    result = json.loads(path.read_text())
    change(result)
    write(path, Result.model_validate(result | artefacts(entry.path)))


def computed(result: Result) -> dict[str, str]:
    """Returns the hashes of weights and of what was measured of them: the same whenever, and in how many attempts."""
    return {name: sha256 for name, sha256 in result.artefacts.items() if name.startswith(("weights.pt", "eval/"))}
