"""A batch and what the codec makes of it: what both players are shown."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from ablate.codecs.codec import Reconstruction


class Shown(NamedTuple):
    """A batch: images, and what the codec makes of them."""

    image: Tensor
    reconstruction: Reconstruction

    def detached(self) -> Shown:
        """Returns the batch without what its gradients hang on."""
        image, symbols, values = (
            self.reconstruction.image.detach(),
            self.reconstruction.symbols,
            self.reconstruction.values,
        )
        return Shown(self.image, Reconstruction(image, symbols, values=values))


def autocast(image: Tensor, precision: str) -> torch.autocast:
    """Returns the numeric context of the networks; losses are computed outside it, in float32."""
    return torch.autocast(image.device.type, torch.bfloat16, enabled=precision == "bfloat16")
