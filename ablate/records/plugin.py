"""Record of a plugin: where its code lies, what identifies it, and what it defines."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from ablate.records.record import Record


class Definition(Record):
    """A thing that a plugin defines: the decorator, its name, and the facts that tell a reader what it is."""

    kind: str
    name: str
    description: dict[str, Any] = Field(default_factory=dict)


class PluginRecord(Record):
    """plugin.json, and part of a plan: a plugin as it was when the plan was made."""

    name: str
    """As the grid file names it."""
    place: str
    """Absolute path, or name of the module."""
    defined_by: str
    """sha256 of its files, or distribution and version."""
    files: dict[str, str] = Field(default_factory=dict)
    """sha256 of each file by its path in the plugin's folder; the first one is the plugin itself."""
    defines: list[Definition] = Field(default_factory=list)

    @property
    def short(self) -> str:
        """The name with what tells this code from other code under it."""
        return f"{self.name} ({self.key})"

    @property
    def key(self) -> str:
        """What identifies it, short enough for a directory's name."""
        return self.defined_by[:12] if self.files else self.defined_by.replace(" ", "-")
