"""A whole training step, captured once and replayed: the work of both players without a launch from Python."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import torch
from torch import Tensor

from ablate.bench.training_step import BareTraining
from ablate.codecs.agustsson.noise import NoiseBranch
from ablate.config import Cell
from ablate.objective import Objective
from ablate.rng import stream
from ablate.train.step import both_players, set_rates

Result = TypeVar("Result")
Capture = Callable[[Callable[[], Result]], tuple[Callable[[], object], Result]]
"""Calls a function once while what it does to its device is recorded; returns what does that again, and its result,
which is overwritten each time."""
WARM_UP = 3
"""Steps before the capture: optimizers make their moments, and libraries their handles."""


class GraphedStep:
    """Steps a training as `BareTraining.step` does, by a replay from the fourth step on.

    What changes from step to step is put where the recorded work reads it: images, noise, learning rates. Averaged
    weights and counters follow each step. Losses that were returned are overwritten by the next step.

    Raises:
        ValueError: for a cell whose steps differ in more than that.
    """

    def __init__(self, training: BareTraining, capture: Capture) -> None:
        if (reason := refusal(training.cell, training.objective)) is not None:
            raise ValueError(f"this step cannot be replayed: {reason}")
        self._training, self._capture = training, capture
        self._device = torch.device(training.batches.device)
        self._image: Tensor | None = None
        self._noise: dict[NoiseBranch, Tensor] = {}
        self._replay: Callable[[], object] | None = None
        self._losses: tuple[Tensor, Tensor] | None = None
        self._steps = 0
        on_gpu = self._device.type == "cuda"
        self._aside = torch.cuda.Stream() if on_gpu else None
        state = training.state
        for optimizer in (state.codec_optimizer, state.discriminator_optimizer):
            assert optimizer is not None
            for group in optimizer.param_groups:
                # A number would be what it is at the capture for ever.
                group["lr"] = torch.tensor(float(group["lr"]), device=self._device)
                group["capturable"] = on_gpu

    def step(self) -> tuple[Tensor, Tensor]:
        """Draws a batch and steps both players and the averaged weights; returns both players' losses."""
        training, state = self._training, self._training.state
        set_rates(state, training.cell)
        self._feed()
        with self._held():
            if self._replay is not None:
                self._replay()
            elif self._steps < WARM_UP:
                with self._on_a_stream_of_its_own():
                    self._losses = self._players()
            else:
                self._replay, self._losses = self._capture(self._players)
                # What is captured is not done yet.
                self._replay()
        self._steps += 1
        state.step += 1
        state.update_average(training.cell.train.ema_decay)
        assert self._losses is not None
        return self._losses

    def _players(self) -> tuple[Tensor, Tensor]:
        training = self._training
        taken = both_players(training.state, training.objective, training.cell, lambda *_, **__: self._image)
        assert taken.discriminator is not None
        return taken.discriminator.loss, taken.loss

    def _feed(self) -> None:
        """Puts the step's images and noise where the recorded work reads them."""
        training, number = self._training, self._training.state.step
        image = training.batches(training.cell.train.warmup_steps + number)
        self._image = image if self._image is None else self._image.copy_(image)
        for branch, noise in self._noise.items():
            size = (noise.shape[0], *(side * branch.BLOCK for side in noise.shape[2:]))
            noise.copy_(NoiseBranch.sample(branch, size, stream(training.cell.seed, "noise", number), self._device))

    @contextmanager
    def _held(self) -> Iterator[None]:
        """Lets the codec's branches of noise read theirs from where `_feed` puts it, and not draw it."""
        branches = [module for module in self._training.state.codec.modules() if isinstance(module, NoiseBranch)]

        def held(branch: NoiseBranch, *drawn: object) -> Tensor:
            if branch not in self._noise:
                self._noise[branch] = NoiseBranch.sample(branch, *drawn)
            return self._noise[branch]

        for branch in branches:
            branch.sample = functools.partial(held, branch)
        try:
            yield
        finally:
            for branch in branches:
                del branch.sample

    @contextmanager
    def _on_a_stream_of_its_own(self) -> Iterator[None]:
        if self._aside is None:
            yield
            return
        self._aside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self._aside):
            yield
        torch.cuda.current_stream().wait_stream(self._aside)


def on_cuda(function: Callable[[], Result]) -> tuple[Callable[[], object], Result]:
    """Captures a function's work on the current GPU into a graph, without doing it."""
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        result = function()
    return graph.replay, result


def refusal(cell: Cell, objective: Objective) -> str | None:
    """Says why the steps of a cell are not all the same work, or None where they are."""
    train, loss, players = cell.train, cell.loss, cell.optimizers
    differs = {
        "penalties draw, or are due at some steps alone": bool(loss.penalties),
        "discriminators see augmented images, which are drawn": bool(cell.discriminator.augment),
        "label maps or regions are given along with images": bool(cell.guided),
        "an entropy model draws its rounding": cell.model.prior != "none",
        "several batches are accumulated": train.accumulate > 1,
        "the discriminators take several steps, or batches of their own": train.discriminator_steps > 1
        or train.quirks.unpaired_batches,
        "the discriminators begin later than the generator": train.discriminator_start > 0,
        "gradients are clipped, which is counted": bool(players.generator.clip_norm or players.discriminator.clip_norm),
        "a weight is found while training": loss.adaptive_weight or loss.calibrate != "none",
        "the loss depends on the steps before": objective.adversarial.loss.controlled is not None,
        "there is no discriminator": not objective.needs_discriminator,
    }
    return next((reason for reason, holds in differs.items() if holds), None)
