"""How many weights the networks of a cell have."""

from __future__ import annotations

import torch

from ablate.codecs.agustsson import initial
from ablate.config import Cell
from ablate.discriminators.initial import one_scale
from ablate.discriminators.multiscale import Discriminator


def count_parameters(cell: Cell) -> dict[str, int]:
    """Returns the number of weights of encoder, generator, noise branch and all discriminators, building none."""
    with torch.device("meta"):
        discriminator = Discriminator(cell.discriminator, one_scale(cell.discriminator_kind, cell.model.code))
    counts = initial.count_parameters(cell.model)
    return {**counts, "discriminator": sum(p.numel() for p in discriminator.parameters())}
