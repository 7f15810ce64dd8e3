"""The whole training step with nothing around it, and the part of its time that each of its parts takes."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves

from ablate.codecs.agustsson.codec import AgustssonCodec
from ablate.config import Cell
from ablate.data import prepare, resolve
from ablate.grid.presets import nested, preset_values
from ablate.objective import Choice, Kernels, Objective
from ablate.train.batches import Batches
from ablate.train.networks import fast_networks
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
        self.batches = Batches.of(cell, prepare(cell.data, "train", cache), device)
        choice = Choice(kernels, device)
        self.objective = Objective.build(cell.loss, choice)
        self._networks = ExitStack()
        self._networks.enter_context(fast_networks(self.state, choice, cell.train.precision))

    def step(self) -> tuple[Tensor, Tensor]:
        """Draws a batch and steps both players and the averaged weights; returns both players' losses."""
        taken = training_step(self.state, self.objective, self.cell, self.batches)
        assert taken.discriminator is not None
        return taken.discriminator.loss, taken.loss


class Split:
    """The time of a step by part, from hooks at the borders of the parts; on a CPU its processor time.

    Forward, the modules are wrapped. Backward runs through losses, discriminators, generator and encoder in this order,
    so that a part begins where the gradient of its output arrives. The quantizer counts to the encoder, and what is
    between parts to the losses.
    """

    def __init__(self, device: str) -> None:
        self.seconds = dict.fromkeys(PARTS, 0.0)
        self._device = device
        self._part = "losses"
        self._since = 0.0

    def to(self, part: str) -> None:
        """Books the time since the last change and goes on to a part."""
        now = self._now()
        self.seconds[self._part] += now - self._since
        self._part, self._since = part, now

    @contextmanager
    def watching(self, training: BareTraining) -> Iterator[None]:
        """Watches the steps of a training."""
        state, enter = training.state, self._enter
        codec, discriminator, step_discriminator = state.codec, state.discriminator, state.discriminator_optimizer
        assert discriminator is not None
        assert step_discriminator is not None
        assert isinstance(codec, AgustssonCodec), "its parts are known"
        modules = {codec.encoder: "encoder", codec.quantizer: "encoder", codec.generator: "generator"}
        with ExitStack() as hooks:
            # Hooks at modules and optimizers; a handle removes its hook when the block ends.
            for module, part in {**modules, discriminator: "discriminator"}.items():
                hooks.enter_context(module.register_forward_pre_hook(functools.partial(enter, part)))
                hooks.enter_context(module.register_forward_hook(functools.partial(self._leave, part)))
            for optimizer in (state.codec_optimizer, step_discriminator):
                hooks.enter_context(optimizer.register_step_pre_hook(functools.partial(enter, "optimizer")))
                hooks.enter_context(optimizer.register_step_post_hook(functools.partial(enter, "losses")))

            # The two functions of a step that have no hooks are wrapped.
            batches, update_average = training.batches, state.update_average
            hooks.callback(setattr, training, "batches", batches)
            hooks.callback(setattr, state, "update_average", update_average)
            training.batches = self._timed("data", batches)  # type: ignore[assignment]
            state.update_average = self._timed("optimizer", update_average)  # type: ignore[method-assign]
            self._part, self._since = "losses", self._now()
            yield
            self.to("losses")

    def _now(self) -> float:
        if self._device == "cpu":
            return time.process_time()
        torch.cuda.synchronize()
        return time.perf_counter()

    def _enter(self, part: str, *_: Any) -> None:
        self.to(part)

    def _leave(self, part: str, _module: Any, _inputs: Any, outputs: Any) -> None:
        for tensor in tree_leaves(outputs):
            if isinstance(tensor, Tensor) and tensor.requires_grad:
                tensor.register_hook(functools.partial(self._enter, part))
        self.to("losses")

    def _timed(self, part: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*arguments: Any, **options: Any) -> Any:
            self.to(part)
            result = function(*arguments, **options)
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
