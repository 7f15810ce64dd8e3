"""Parameter counts of the networks of a cell."""

from __future__ import annotations

from ablate.codecs import build as codecs
from ablate.config import Cell
from ablate.discriminators import build as discriminators


def count_parameters(cell: Cell) -> dict[str, int]:
    """Returns the number of weights of each part of the codec and of all discriminators, building none."""
    weights = discriminators.count_parameters(cell.discriminator, cell.discriminator_kind, cell.model.code)
    return {**codecs.count_parameters(cell.model), "discriminator": weights}
