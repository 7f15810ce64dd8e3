"""The protocol that a finished codec is measured by, and the names of its figures."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from ablate.metrics.naming import EXTRACTOR_TAPS, distance_name, kernel_name
from ablate.settings import Settings


class Evaluation(Settings):
    """The protocol that the finished codec is measured by.

    `perceptual` names a distance over a network whose weights a user brings along: one more figure an image.
    """

    extractor: Literal["lite0", "inception", "dinov2"] = "lite0"
    tap: Literal[112, 1280, 2048, 1024] = 112
    patch: int = Field(64, ge=32)
    perceptual: Literal["none", "lpips_alex", "lpips_vgg", "dists"] = "none"

    @model_validator(mode="after")
    def _tap_exists(self) -> Evaluation:
        taps = EXTRACTOR_TAPS[self.extractor]
        if self.tap not in taps:
            there = " and ".join(map(str, taps))
            raise ValueError(f"evaluation.extractor = {self.extractor!r} has the tap {there}, not {self.tap}")
        return self

    @property
    def distance(self) -> str:
        """The name of the Fréchet distance that is measured."""
        return distance_name(self.extractor, self.tap)

    @property
    def learned(self) -> tuple[str, ...]:
        """The names of the perceptual distances that are measured."""
        return () if self.perceptual == "none" else (self.perceptual,)

    @property
    def kernel(self) -> str:
        """The name of the kernel distance that is measured."""
        return kernel_name(self.extractor, self.tap)
