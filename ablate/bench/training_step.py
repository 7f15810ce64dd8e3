"""The whole training step: images a second, and which part of the step takes how much of it."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ablate.config import Cell
from ablate.data import prepare, resolve
from ablate.grid.presets import nested, preset_values
from ablate.objective import Choice, FastObjective, Kernels, Objective
from ablate.train.batches import Batches
from ablate.train.state import TrainState
from ablate.train.step import training_step

PRESETS = {"cpu": "tiny", "cuda": "small"}
PARTS = ("data", "encoder", "generator", "discriminator", "losses", "optimizer")


def cell_of(preset: str, cache: Path, **settings: object) -> Cell:
    """Returns a cell of a preset on the shipped photographs with some settings changed, `train__steps=80`."""
    changed = {name.replace("__", "."): value for name, value in settings.items()}
    cell = Cell.model_validate(nested(preset_values(preset) | changed))
    return cell.model_copy(update={"data": resolve(cell.data, cache)})


class BareTraining:
    """A training that can take a step, with nothing around it: no runner, store, telemetry or checkpoint."""

    def __init__(self, cell: Cell, cache: Path, device: str = "cpu", kernels: Kernels = "eager") -> None:
        self.cell = cell
        self.state = TrainState.for_cell(cell, device)
        self.batches = Batches(prepare(cell.data, "train", cache), cell.data, cell.seed, device)
        choice = Choice(kernels, device)
        self._objective = FastObjective.choosing(cell.loss, choice) if kernels == "auto" else Objective.build(cell.loss)

    def step(self) -> tuple[Tensor, Tensor]:
        """Draws a batch and steps both players and the averaged weights; returns both players' losses."""
        taken = training_step(self.state, self._objective, self.cell, self.batches)
        assert taken.discriminator is not None
        return taken.discriminator.loss, taken.loss


@dataclass
class Split:
    """Where the time of a step goes, by hooks at the borders of its parts; on a CPU its processor time.

    Forward, the modules are wrapped. Backward runs through losses, discriminators, generator and encoder in this order,
    so that a part begins where the gradient of its output arrives. The quantizer counts to the encoder, and what is
    between parts to the losses.
    """

    device: str
    seconds: dict[str, float] = field(default_factory=lambda: dict.fromkeys(PARTS, 0.0))
    _part: str = "losses"
    _since: float = 0.0

    def to(self, part: str) -> None:
        """Books the time since the last change and goes on to a part."""
        if self.device == "cpu":
            now = time.process_time()
        else:
            torch.cuda.synchronize()
            now = time.perf_counter()
        if self._since:
            self.seconds[self._part] += now - self._since
        self._part, self._since = part, now

    @contextmanager
    def watching(self, training: BareTraining) -> Iterator[None]:
        """Watches the steps of a training."""
        state, handles = training.state, []
        discriminator = state.discriminator
        assert discriminator is not None
        encoder, generator = state.codec.encoder, state.codec.generator
        parts = (("encoder", encoder), ("encoder", state.codec.quantizer), ("generator", generator))
        for part, module in (*parts, ("discriminator", discriminator)):
            handles.append(module.register_forward_pre_hook(functools.partial(self._entered, part)))
            handles.append(module.register_forward_hook(functools.partial(self._left, part)))
        for optimizer in (state.codec_optimizer, state.discriminator_optimizer):
            assert optimizer is not None
            handles.append(optimizer.register_step_pre_hook(lambda *_: self.to("optimizer")))
            handles.append(optimizer.register_step_post_hook(lambda *_: self.to("losses")))
        drawn, averaged = training.batches, state.update_average
        training.batches = self._timed("data", drawn)  # type: ignore[assignment]
        state.update_average = self._timed("optimizer", averaged)  # type: ignore[method-assign]
        try:
            self._since = 0.0
            self.to("losses")
            yield
            self.to("losses")
        finally:
            training.batches, state.update_average = drawn, averaged  # type: ignore[method-assign]
            for handle in handles:
                handle.remove()

    def _entered(self, part: str, *_: Any) -> None:
        self.to(part)

    def _left(self, part: str, _module: Any, _inputs: Any, outputs: Any) -> None:
        for tensor in _tensors(outputs):
            if tensor.requires_grad:
                tensor.register_hook(functools.partial(self._entered, part))
        self.to("losses")

    def _timed(self, part: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*arguments: Any) -> Any:
            self.to(part)
            result = function(*arguments)
            self.to("losses")
            return result

        return timed


def split_of(training: BareTraining, device: str, steps: int) -> Mapping[str, float]:
    """Returns the seconds of a step by part, the mean of some steps."""
    split = Split(device)
    with split.watching(training):
        for _ in range(steps):
            training.step()
    return {part: seconds / steps for part, seconds in split.seconds.items()}


def _tensors(tree: Any) -> Iterator[Tensor]:
    if isinstance(tree, Tensor):
        yield tree
    elif isinstance(tree, tuple | list):
        for branch in tree:
            yield from _tensors(branch)
