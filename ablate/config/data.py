"""Which images there are, and how crops are drawn from them."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from ablate.settings import NOT_IDENTITY, Settings


class Data(Settings):
    """Which photographs are trained and tested on, and how crops are drawn from them."""

    source: Literal["photos", "folder"] = "photos"
    path: str | None = Field(None, json_schema_extra=NOT_IDENTITY)
    train: str | None = Field(None, json_schema_extra=NOT_IDENTITY)
    test: str | None = Field(None, json_schema_extra=NOT_IDENTITY)
    test_fraction: float = Field(0.1, gt=0, lt=1)
    on_bad_image: Literal["error", "skip"] = "error"
    crop: int = Field(128, ge=16, le=4096)
    batch_size: int = Field(8, ge=1)
    flip: bool = True
    train_digest: str | None = None
    test_digest: str | None = None

    @model_validator(mode="after")
    def _folder_is_given(self) -> Data:
        if self.source == "photos" and (self.path or self.train or self.test):
            raise ValueError('path, train and test belong to source = "folder"; source is "photos"')
        if self.source == "folder":
            whole, split = self.path is not None, self.train is not None and self.test is not None
            if whole == split or (whole and (self.train or self.test)):
                raise ValueError('source = "folder" needs either train and test, or path (split by test_fraction)')
        return self
