"""Which images there are, and how crops are drawn from them."""

from __future__ import annotations

import contextlib
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, ValidationInfo, field_validator, model_validator

from ablate.registry import AbsentError
from ablate.settings import NOT_IDENTITY, Named, added
from ablate.sources.catalogue import data_sources, open_source, settings_of
from ablate.sources.protocol import ColourProfiles, DataSource, Split

PLACES = ("path", "train", "test", "validation")
"""The settings of [data] that hold a directory."""

SEGMENTATION = "segmentation"
"""Stands for a directory of label maps where these are made of the images."""

WHICH_IMAGES = ("source", *PLACES, "test_fraction", "validation_fraction", "on_bad_image", "options", "maps")
"""The settings of [data] that say which images there are."""


def _known_source(name: str) -> str:
    return data_sources[name].name


class Data(Named):
    """Which images are trained and tested on, and how crops are drawn from them.

    `validation` and `validation_fraction` ask for images that are neither: choices are made on them and not on the test
    images. What a cell's training depends on is the digest of the images that are left to train on.
    `maps` is a directory of label maps named like the images, or "segmentation" for maps that are made of the images.
    """

    source: Annotated[str, AfterValidator(_known_source)] = Field(
        "photos", description='the name of a data source, "photos" or "folder"'
    )
    path: str | None = Field(None, json_schema_extra=NOT_IDENTITY)
    train: str | None = Field(None, json_schema_extra=NOT_IDENTITY)
    test: str | None = Field(None, json_schema_extra=NOT_IDENTITY)
    validation: str | None = Field(None, json_schema_extra=NOT_IDENTITY)
    test_fraction: float = Field(0.1, gt=0, lt=1)
    validation_fraction: float | None = Field(None, gt=0, lt=1, json_schema_extra=NOT_IDENTITY)
    on_bad_image: Literal["error", "skip"] = "error"
    crop: int = Field(128, ge=16, le=4096)
    batch_size: int = Field(8, ge=1)
    flip: bool = True
    train_digest: str | None = None
    test_digest: str | None = None
    validation_digest: str | None = Field(None, json_schema_extra=NOT_IDENTITY)
    options: dict[str, float | int | bool | str] = added(
        "0.2", {}, description="a table of the options that the source takes"
    )
    colour_profiles: ColourProfiles = added("0.2", "keep")
    maps: str | None = Field(None, json_schema_extra=NOT_IDENTITY)
    train_maps_digest: str | None = added("0.2", None)
    test_maps_digest: str | None = added("0.2", None)

    @model_validator(mode="before")
    @classmethod
    def _defined_by_what_the_source_is(cls, given: Any) -> Any:
        if not isinstance(given, dict) or given.get("defined_by"):
            return given
        source = given.get("source", "photos")
        defined_by = data_sources[source].defined_by if source in list(data_sources) else ""
        return {**given, "defined_by": defined_by} if defined_by else given

    @field_validator("options")
    @classmethod
    def _options_are_those_of_the_source(
        cls, options: dict[str, float | int | bool | str], info: ValidationInfo
    ) -> dict[str, float | int | bool | str]:
        return data_sources[info.data["source"]].resolve(options) if "source" in info.data else options

    @model_validator(mode="after")
    def _the_source_takes_its_settings(self) -> Data:
        taken = settings_of(self.source)
        foreign = [key for key in PLACES if getattr(self, key) is not None and key not in taken]
        if foreign:
            takes = f", which takes {', '.join(taken)}" if taken else ""
            raise ValueError(
                f'path, train, test and validation belong to source = "folder"; source is "{self.source}"{takes}'
            )
        if self.validation_fraction is not None and "validation_fraction" not in taken:
            raise ValueError(f'source = "{self.source}" holds no part of its images back: no validation_fraction')
        if self.colour_profiles != "keep" and "colour_profiles" not in taken:
            raise ValueError(f'source = "{self.source}" reads no files, of which colour_profiles could be converted')
        with contextlib.suppress(AbsentError):
            self.open()
        return self

    def digest(self, split: Split) -> str | None:
        """Returns the digest of a split's images, None before they were looked at and where there are none."""
        return {"train": self.train_digest, "validation": self.validation_digest, "test": self.test_digest}[split]

    def maps_digest(self, split: Split) -> str | None:
        """Returns the digest of a split's label maps, None before they were looked at and for validation."""
        return {"train": self.train_maps_digest, "validation": None, "test": self.test_maps_digest}[split]

    def open(self) -> DataSource:
        """Returns the source that the settings name; nothing is read yet."""
        return open_source(self.source, dict(self), self.options)
