"""The one mutable object: everything that a training step changes, able to save and load itself."""

from __future__ import annotations

import copy
import functools
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import torch
from torch import Tensor, nn

from ablate.codecs.build import build_codec
from ablate.codecs.codec import TrainableCodec
from ablate.config import Adam, Cell, Warmup
from ablate.discriminators.build import build_discriminator
from ablate.discriminators.discriminator import Discriminator
from ablate.losses import Memory
from ablate.train.augmenter import PLAIN, Augmenter, Views
from ablate.train.optimizers import clip, optimizer_of, share_clipped
from ablate.train.start import Given, require_same_shapes

CLIP = "clip."
"""Begins the names of memories of clipping."""
Module = TypeVar("Module", bound=nn.Module)


@dataclass
class TrainState:
    """Modules, optimizers and counters of one training.

    Randomness is not part of it: crops, flips and noise are functions of (seed, step), so that a resumed run needs
    nothing but this to continue bit for bit.
    """

    codec: TrainableCodec
    codec_optimizer: torch.optim.Optimizer
    average: TrainableCodec | None
    discriminator: Discriminator | None
    discriminator_optimizer: torch.optim.Optimizer | None
    trained_scales: int = 0
    """How many of the discriminators, from the finest on, are trained; the adversarial terms are of these alone."""
    step: int = 0
    seconds: float = 0.0
    flat_logs: int = 0
    calibration: float | None = None
    """Factor that was found for the adversarial weight; None before."""
    augmenter: Augmenter | None = None
    """Augments what the discriminators see; None where they see it as it is."""
    discriminator_map_classes: int = 0
    """How many classes of label maps the discriminators see beside images; at 0 they see none."""
    memory: dict[str, Memory] = field(default_factory=dict)
    """Memory of each penalty, by its name, of the loss at each scale, and of how often each player was clipped."""

    @classmethod
    def for_cell(cls, cell: Cell, device: str) -> TrainState:
        """Builds the state of adversarial training at step 0."""
        codec = _placed(build_codec(cell.model, cell.seed), device, cell.train.channels_last)
        discriminator = build_discriminator(cell.discriminator, cell.seed, cell.discriminator_kind, cell.model.code)
        discriminator = _placed(discriminator, device, cell.train.channels_last)
        state = cls(
            codec=codec,
            codec_optimizer=optimizer_of(codec, cell.optimizers.generator),
            average=copy.deepcopy(codec).requires_grad_(False),
            discriminator=discriminator,
            discriminator_optimizer=optimizer_of(discriminator, cell.optimizers.discriminator),
            trained_scales=1 if cell.train.quirks.coarse_untrained else discriminator.scales,
            augmenter=Augmenter.by(cell.discriminator, cell.seed, device),
            discriminator_map_classes=cell.discriminator.map_classes,
        )
        return state._clipping(generator=cell.optimizers.generator, discriminator=cell.optimizers.discriminator)

    @classmethod
    def for_warmup(cls, warmup: Warmup, device: str) -> TrainState:
        """Builds the state of distortion-only training at step 0."""
        codec = _placed(build_codec(warmup.model, warmup.seed), device, warmup.channels_last)
        return cls(codec, optimizer_of(codec, warmup.adam), None, None, None)._clipping(generator=warmup.adam)

    def _clipping(self, **players: Adam) -> TrainState:
        """Clips the gradients of players by their settings, and keeps how often that was."""
        optimizers = {"generator": self.codec_optimizer, "discriminator": self.discriminator_optimizer}
        for player, settings in players.items():
            optimizer = optimizers[player]
            assert optimizer is not None
            clip(optimizer, settings, functools.partial(self._kept, f"{CLIP}{player}"))
        return self

    def _kept(self, name: str) -> Memory:
        return self.memory.setdefault(name, {})

    @property
    def clipped(self) -> dict[str, float]:
        """In which share of its steps so far a player's gradients were clipped, for those that are; waits."""
        found = {name: kept for name, kept in self.memory.items() if name.startswith(CLIP)}
        return {name.removeprefix(CLIP): share_clipped(kept) for name, kept in found.items()}

    def start_from(self, weights: Path) -> None:
        """Takes the codec of a finished warm-up, for the raw weights and for their average."""
        saved = torch.load(weights, weights_only=True, map_location="cpu")
        self.codec.load_state_dict(saved["codec"])
        if self.average is not None:
            self.average.load_state_dict(saved["codec"])

    def start_from_given(self, given: Given) -> None:
        """Takes given weights of the codec, raw and averaged.

        Raises:
            ValueError: for those of another codec, with a list of what differs.
        """
        assert self.average is not None
        for module, weights in ((self.codec, given.codec), (self.average, given.average)):
            require_same_shapes(module, weights, given.source)
            module.load_state_dict(weights)

    def views(self, player: str, number: int, image: Tensor) -> Views:
        """Returns what a player's discriminators see of a batch; `number` counts its steps."""
        return self.augmenter.views(player, number, len(image)) if self.augmenter else PLAIN

    def update_average(self, decay: float) -> None:
        """Moves the averaged weights towards the raw ones, faster early on: min(decay, (1 + n) / (10 + n))."""
        averaged, raw = self._averaged
        torch._foreach_lerp_(averaged, raw, 1 - min(decay, (1 + self.step) / (10 + self.step)))

    @functools.cached_property
    def _averaged(self) -> tuple[list[Tensor], list[Tensor]]:
        """The averaged weights and the raw ones; to find them takes longer than to average them, and they stay put."""
        assert self.average is not None
        averaged, raw = (
            [t for t in module.state_dict().values() if t.is_floating_point()] for module in (self.average, self.codec)
        )
        return averaged, raw

    def save(self, file: BinaryIO) -> None:
        """Writes tensors and plain data."""
        torch.save({**{name: part.state_dict() for name, part in self._parts().items()}, **self._counters()}, file)

    def load(self, path: Path) -> None:
        """Continues from what `save` wrote.

        Raises:
            ValueError: if the file holds other parts than this training has.
        """
        saved = torch.load(path, weights_only=True, map_location="cpu")
        different = {*self._parts(), *self._counters()} ^ set(saved)
        if different:
            raise ValueError(f"{path} is not a checkpoint of this training: {', '.join(sorted(different))} differ")
        for name, part in self._parts().items():
            part.load_state_dict(saved[name])
        for name in self._counters():
            setattr(self, name, saved[name])
        device = next(self.codec.parameters()).device
        self.memory = {
            name: {key: value.to(device) for key, value in kept.items()} for name, kept in self.memory.items()
        }

    def save_weights(self, file: BinaryIO) -> None:
        """Writes the weights alone, raw and averaged."""
        modules = {"codec": self.codec, "average": self.average, "discriminator": self.discriminator}
        torch.save({name: module.state_dict() for name, module in modules.items() if module is not None}, file)

    def _parts(self) -> dict[str, Any]:
        names = ("codec", "codec_optimizer", "average", "discriminator", "discriminator_optimizer", "augmenter")
        return {name: getattr(self, name) for name in names if getattr(self, name) is not None}

    def _counters(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ("step", "seconds", "flat_logs", "calibration", "memory")}


def saved_step(path: Path) -> int:
    """Returns the step of what `save` wrote, without reading its tensors."""
    return int(torch.load(path, weights_only=True, map_location="cpu", mmap=True)["step"])


def _placed(module: Module, device: str, channels_last: bool) -> Module:
    if channels_last:
        module.to(memory_format=torch.channels_last)
    return module.to(device)
