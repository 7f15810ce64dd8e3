"""The data sources by name. Looking at the catalogue imports neither torch nor Pillow, nor does looking one up."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ablate.plugins.checked import complete
from ablate.registry import Registry

if TYPE_CHECKING:
    from ablate.sources.protocol import DataSource

data_sources = Registry(
    "data source",
    "ablate.sources.photos",
    "ablate.sources.folder",
    check=complete("a data source", "stamp", "images"),
)
"""Functions that return a source. Their keyword-only arguments are the options of the source (`data.options`), the
others are settings of [data] by the same name: path, train, test, test_fraction,
validation, validation_fraction, colour_profiles."""


def settings_of(name: str) -> list[str]:
    """Returns the settings of [data] that a source takes beside its options."""
    parameters = inspect.signature(data_sources[name].function).parameters.values()
    return [parameter.name for parameter in parameters if parameter.kind is parameter.POSITIONAL_OR_KEYWORD]


def open_source(name: str, settings: Mapping[str, Any], options: Mapping[str, Any]) -> DataSource:
    """Returns a source; of `settings` it is given those that it takes.

    Raises:
        ValueError: by the source, for settings or options that it refuses.
    """
    given = {setting: settings[setting] for setting in settings_of(name)}
    source: DataSource = data_sources[name].function(**given, **options)
    return source
