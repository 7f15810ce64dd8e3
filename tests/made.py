"""Makes records for tests: what a test does not care about is filled in."""

from __future__ import annotations

from typing import Any

from ablate.records import Result
from ablate.store import Entry


def made_result(entry: Entry, **facts: Any) -> Result:
    """Returns a result of the entry with the given facts."""
    return Result.model_validate({"id": entry.path.name, "status": "done", "step": 0, "seconds": 0.0, **facts})
