"""Groups of settings, and the identity that what they hold gives them."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from pydantic import BaseModel, ConfigDict, JsonValue

RESULTS_VERSION = 1
"""Raised when the same settings give other results than before; CHANGELOG.md says why older ones no longer compare."""


NOT_IDENTITY: dict[str, JsonValue] = {"identity": False}
"""Marks a setting that says where something lies and not what it is."""


class Settings(BaseModel):
    """A frozen group of settings that knows every key it may hold."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def identity(settings: Settings) -> dict[str, Any]:
    """Returns the settings as plain data, without those that only say where something lies."""
    result: dict[str, Any] = {}
    for name, info in type(settings).model_fields.items():
        if info.json_schema_extra == NOT_IDENTITY:
            continue
        result[name] = _plain(getattr(settings, name))
    return result


def _plain(value: Any) -> Any:
    if isinstance(value, Settings):
        return identity(value)
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


def content_sha256(content: Any) -> str:
    """Returns sha256 over canonical JSON in hex digits."""
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(canonical.encode()).hexdigest()
