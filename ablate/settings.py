"""Groups of settings, and the identity that what they hold gives them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, JsonValue, SerializerFunctionWrapHandler, model_serializer
from pydantic.fields import FieldInfo

RESULTS_VERSION = 1
"""Raised when the same settings give other results than before; CHANGELOG.md says why older ones no longer compare."""


NOT_IDENTITY: dict[str, JsonValue] = {"identity": False}
"""Marks a setting that says where something lies and not what it is."""

ADDED = "added"
"""Marks a setting that came later, with the version of the package that had it first."""


def added(version: str, default: Any, **limits: Any) -> Any:
    """Declares a setting that came with a later version of the package than its group.

    At its default it is no part of the identity, so that cells from before keep their ids.

    Args:
        version: of the package that had it first.
        default: what all earlier cells had without saying so.
        limits: as pydantic's Field takes them.
    """
    return Field(default, json_schema_extra={ADDED: version}, validate_default=True, **limits)


class Settings(BaseModel):
    """A frozen group of settings that knows every key it may hold."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Named(Settings):
    """Settings that name a thing of a catalogue.

    `defined_by` identifies the code of a thing that a plugin defines: a hash, or distribution and version. It is filled
    in, a part of the identity, and empty for what the package brings itself.
    """

    defined_by: str = added("0.2", "")

    @model_serializer(mode="wrap")
    def _without_what_is_not_said(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        plain: dict[str, Any] = handler(self)
        if not plain.get("defined_by"):
            plain.pop("defined_by", None)
        return plain


class Identified(Settings):
    """Settings whose content names an entry of the store; `KIND` keeps those of different kinds apart."""

    KIND: ClassVar[str]

    @property
    def id(self) -> str:
        """First 12 hex digits of the hash of everything that the results depend on."""
        return self.sha256[:12]

    @property
    def sha256(self) -> str:
        """The whole hash, of which the id is the beginning."""
        return content_sha256({"results_version": RESULTS_VERSION, self.KIND: identity(self)})


Known = dict[int, tuple[Settings, dict[str, Any]]]
"""Identities of groups by the object that each is: kept with it, so that no other object gets its number."""


def identity(settings: Settings, known: Known | None = None) -> dict[str, Any]:
    """Returns the settings as plain data: neither paths nor later settings that have their default.

    Groups that are in `known` are not gone through again; new ones are added.
    """
    return {
        name: _plain(value, known)
        for name, info in type(settings).model_fields.items()
        for value in (getattr(settings, name),)
        if info.json_schema_extra != NOT_IDENTITY and not _as_before(info, value)
    }


def _as_before(info: FieldInfo, value: Any) -> bool:
    extra = info.json_schema_extra
    return isinstance(extra, dict) and ADDED in extra and value == info.get_default(call_default_factory=True)


def _plain(value: Any, known: Known | None) -> Any:
    if not isinstance(value, Settings):
        return [_plain(item, None) for item in value] if isinstance(value, tuple) else value
    if known is None:
        return identity(value)
    if id(value) not in known:
        known[id(value)] = (value, identity(value))
    return known[id(value)][1]


def content_sha256(content: Any) -> str:
    """Returns sha256 over canonical JSON in hex digits."""
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def flat(table: Mapping[str, Any], prefix: str = "", *, terms_apart: bool = False) -> dict[str, Any]:
    """Returns the leaves of nested tables by dotted key; a list and an empty table are leaves, and so is a term.

    Args:
        table: settings as plain data.
        prefix: stands before each key.
        terms_apart: whether the name and the options of a term are leaves of their own.
    """
    leaves: dict[str, Any] = {}
    for key, value in table.items():
        if isinstance(value, Mapping) and value and (terms_apart or "name" not in value):
            leaves |= flat(value, f"{prefix}{key}.", terms_apart=terms_apart)
        else:
            leaves[prefix + key] = value
    return leaves
