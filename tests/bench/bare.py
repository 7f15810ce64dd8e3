"""The training step with nothing around it: no runner, store, telemetry or checkpoint. What overhead is measured by."""

from __future__ import annotations

from pathlib import Path

from ablate.config import Cell
from ablate.data import prepare, resolve
from ablate.grid.presets import nested, preset_values
from ablate.losses import Objective
from ablate.rng import stream
from ablate.train.loop import batch
from ablate.train.state import TrainState
from ablate.train.step import descend, discriminator_step, generator_terms


def tiny_cell(cache: Path, **settings: object) -> Cell:
    """Returns a cell of the preset `tiny` on the shipped photographs with some settings changed, `train__steps=80`."""
    changed = {name.replace("__", "."): value for name, value in settings.items()}
    cell = Cell.model_validate(nested(preset_values("tiny") | changed))
    return cell.model_copy(update={"data": resolve(cell.data, cache)})


class BareTraining:
    """A training that can take a step."""

    def __init__(self, cell: Cell, cache: Path) -> None:
        self._cell = cell
        self._pictures = prepare(cell.data, "train", cache)
        self._state = TrainState.for_cell(cell, "cpu")
        self._objective = Objective.build(cell.loss)

    def step(self) -> None:
        """Draws a batch and steps both players and the averaged weights."""
        cell, state, objective = self._cell, self._state, self._objective
        image = batch(self._pictures, cell.data, cell.seed, state.step, "cpu")
        reconstruction = state.codec(image, stream(cell.seed, "noise", state.step))
        discriminator_step(state, objective, cell, state.step, image, reconstruction.image)
        parts = generator_terms(state, objective, image, reconstruction, cell.train.precision)
        descend(state, parts.total)
        state.step += 1
        state.update_average(cell.train.ema_decay)
