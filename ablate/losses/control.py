"""The control: no distortion."""

from __future__ import annotations

from ablate.losses.catalogue import distortions
from ablate.losses.distortion_loss import Distortion


@distortions.register(formula="0", source="control without this term")
def none() -> Distortion:
    """Nothing: the term is absent."""
    return lambda _image, reconstruction: 0 * reconstruction.mean()
