"""Encoder, generator and noise branch of Agustsson et al., whatever is sent between them."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from ablate.codecs.agustsson.encoder import Encoder
from ablate.codecs.agustsson.generator import Generator
from ablate.codecs.agustsson.noise import NoiseBranch
from ablate.codecs.agustsson.settings import AgustssonSettings
from ablate.codecs.codec import TrainableCodec
from ablate.layers.initial import initialise
from ablate.rng import stream


class Networks(TrainableCodec):
    """The networks, and how an image is generated of what was sent."""

    ENCODER: Callable[[AgustssonSettings], nn.Sequential] = Encoder
    GENERATOR: Callable[[AgustssonSettings], nn.Sequential] = Generator

    def __init__(self, settings: AgustssonSettings, **between: nn.Module) -> None:
        """Builds the networks.

        Args:
            settings: of the codec.
            between: modules between encoder and generator by name; the order of all modules is that of checkpoints.
        """
        super().__init__()
        self.settings = settings
        self.stride = 2**settings.downsamplings
        self.noisy = settings.noise
        self.encoder = type(self).ENCODER(settings)
        for name, module in between.items():
            setattr(self, name, module)
        self.noise = NoiseBranch(settings) if settings.noise else None
        self.generator = type(self).GENERATOR(settings)

    def initialise(self, seed: int) -> None:
        """Draws the weights of encoder, noise branch and generator, each from a stream of its own."""
        for name in ("encoder", "noise", "generator"):
            module = getattr(self, name)
            if module is not None:
                initialise(module, stream(seed, f"{name}.init"))

    def generate(self, values: Tensor, random: torch.Generator | None) -> Tensor:
        """Returns images (N, 3, H, W) in [-1, 1] of sent values (N, C, h, w), noise drawn where there is a branch."""
        if self.noise is None:
            return self.generator(values)
        assert random is not None, "a codec with a noise branch needs a generator to draw from"
        n, _, height, width = values.shape
        drawn = self.noise(self.noise.sample((n, height, width), random, values.device), (height, width))
        return self.generator(torch.cat([values, drawn], 1))

    def parts(self) -> dict[str, nn.Module]:
        """Returns encoder, generator and, where there is one, noise branch."""
        parts: dict[str, nn.Module] = {"encoder": self.encoder, "generator": self.generator}
        return parts if self.noise is None else {**parts, "noise": self.noise}

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.last_layer.device
