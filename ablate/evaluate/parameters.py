"""Facts of the networks of a cell: parameter counts, the ids that files name, and a frozen network's weights."""

from __future__ import annotations

from collections.abc import Mapping

from ablate.codecs import build as codecs
from ablate.codecs.trained import TrainedCodec, model_ids
from ablate.config import Cell, Taught
from ablate.discriminators import build as discriminators
from ablate.records.result import CodecFacts


def count_parameters(cell: Cell) -> dict[str, int]:
    """Returns the number of weights of each part of the codec and of all discriminators, building none."""
    weights = discriminators.count_parameters(cell.discriminator, cell.discriminator_kind, cell.model.code)
    return {**codecs.count_parameters(cell.model), "discriminator": weights}


def codec_facts(cell: Cell, trained: Mapping[str, TrainedCodec]) -> CodecFacts:
    """Returns what a result says of a cell's networks."""
    return CodecFacts(parameters=count_parameters(cell), models=model_ids(trained), judge_sha256=Taught.by(cell).judge)
