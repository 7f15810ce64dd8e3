"""Models of a latent's distribution: bits that it takes while training, and its range-coded words in a file.

In training additive noise stands for rounding where bits are estimated (Ballé et al. 2017). What the generator sees is,
by the setting `rounding`, the same noisy latent ("noise"), or the rounded one with the gradient passed straight through
("mixed", as HiFiC); "straight_through" estimates bits of the rounded latent, too.

Files hold whole numbers. Parameters that their tables are chosen by come from the side information alone, in float64 on
the CPU, so that another machine of the platform chooses the same ones.
"""

from __future__ import annotations

import copy
import itertools
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ablate.codecs.entropy.factorized import Factorized
from ablate.codecs.entropy.gaussian import probability, scale_index
from ablate.codecs.entropy.words import Reader, Writer
from ablate.layers.padding import SameConv2d, SameConvTranspose2d, pad_to_multiple

Rounding = Literal["noise", "mixed", "straight_through"]
Kind = Literal["factorized", "hyperprior", "context"]

DOWN = 4
"""Latents a side that one position of the side information stands for."""
SLICES = 4
"""Groups of channels of the context model, each predicted from those before it."""


class Coded(NamedTuple):
    """A latent as it is sent: `values` (N, C, h, w) for the generator, and `bits` that all of it takes, a scalar."""

    values: Tensor
    bits: Tensor


class Prior(nn.Module, ABC):
    """A model of a latent (N, C, h, w)."""

    def __init__(self, channels: int, rounding: Rounding) -> None:
        super().__init__()
        self.channels = channels
        self.rounding = rounding

    @abstractmethod
    def forward(self, latent: Tensor, random: torch.Generator | None) -> Coded:
        """Returns the latent as it is sent; in evaluation mode it is rounded and nothing is drawn from `random`."""

    @abstractmethod
    def write(self, latent: Tensor) -> tuple[list[np.ndarray], bytes]:
        """Returns the whole numbers that stand for a latent (1, C, h, w), int32 in their order, and their words."""

    @abstractmethod
    def read(self, words: bytes, shape: tuple[int, int]) -> tuple[list[np.ndarray], Tensor]:
        """Returns the whole numbers and the values (1, C, *shape) of words that `write` made; raises ValueError."""

    def sent(self, latent: Tensor, mean: Tensor | float, random: torch.Generator | None) -> tuple[Tensor, Tensor]:
        """Returns a latent as bits are estimated of it, and as the generator sees it."""
        rounded = latent + ((latent - mean).round() + mean - latent).detach()
        if not self.training or self.rounding == "straight_through":
            return rounded, rounded
        assert random is not None, "training draws noise"
        noisy = latent + noise_like(latent, random)
        return noisy, noisy if self.rounding == "noise" else rounded


class FactorizedPrior(Prior):
    """Every channel by itself, the same at all positions (Ballé et al. 2018, appendix 6.1)."""

    def __init__(self, channels: int, rounding: Rounding) -> None:
        super().__init__(channels, rounding)
        self.model = Factorized(channels)

    def forward(self, latent: Tensor, random: torch.Generator | None) -> Coded:
        estimated, values = self.sent(latent, 0.0, random)
        return Coded(values, bits_of(self.model(estimated)))

    def write(self, latent: Tensor) -> tuple[list[np.ndarray], bytes]:
        writer = Writer()
        writer.channels(latent, self.model)
        return writer.numbers, writer.words()

    def read(self, words: bytes, shape: tuple[int, int]) -> tuple[list[np.ndarray], Tensor]:
        reader = Reader(words)
        values = reader.channels((self.channels, *shape), self.model)
        return reader.all_numbers(), values.float()


class HyperPrior(Prior):
    """A Gaussian for each latent; its mean and scale are read from side information (Minnen et al. 2018, section 2)."""

    def __init__(self, channels: int, rounding: Rounding, width: int, apart: bool = False) -> None:
        """Builds the networks; with `apart` those for means and for scales share nothing, as in HiFiC."""
        super().__init__(channels, rounding)
        self.width = width
        self.analysis = nn.Sequential(
            SameConv2d(channels, width, 3), nn.ReLU(), SameConv2d(width, width, 5, stride=2), nn.ReLU(),
            SameConv2d(width, width, 5, stride=2),
        )  # fmt: skip
        self.side = Factorized(width)
        self.synthesis: nn.Module
        if apart:
            self.synthesis = Beside(self._synthesis(channels) for _ in range(2))
        else:
            self.synthesis = self._synthesis(self.features)

    def _synthesis(self, features: int) -> nn.Sequential:
        return nn.Sequential(
            SameConvTranspose2d(self.width, self.width, 5), nn.ReLU(),
            SameConvTranspose2d(self.width, self.width, 5), nn.ReLU(),
            SameConv2d(self.width, features, 3),
        )  # fmt: skip

    @property
    def features(self) -> int:
        """Channels that the side information is turned into: a mean and a scale for each of the latent's."""
        return 2 * self.channels

    def analyse(self, latent: Tensor) -> Tensor:
        """Returns the side information of a latent of any size.

        SAME padding shifts by a latent where a side is odd: then what is read from the side information would lie
        beside the latents that it is of, as it never does on crops.
        """
        return self.analysis(pad_to_multiple(latent, DOWN))

    def forward(self, latent: Tensor, random: torch.Generator | None) -> Coded:
        side = self.analyse(latent)
        # HiFiC and its kin estimate the side information by noise alone, whatever the latent is rounded by.
        side = side + noise_like(side, random) if self.training and random is not None else side.round()
        features = self.synthesis(side)[..., : latent.shape[2], : latent.shape[3]]
        values, bits = self.latent_bits(latent, features, random)
        return Coded(values, bits_of(self.side(side)) + bits)

    def latent_bits(self, latent: Tensor, features: Tensor, random: torch.Generator | None) -> Coded:
        """Returns the latent as it is sent, with its bits beside those of the side information."""
        mean, scale = parameters(features)
        estimated, values = self.sent(latent, mean, random)
        return Coded(values, bits_of(probability(estimated, mean, scale)))

    def write(self, latent: Tensor) -> tuple[list[np.ndarray], bytes]:
        writer = Writer()
        side = writer.channels(self.analyse(latent), self.side)
        exact = latent.detach().cpu().double()
        self.go_through(
            side,
            (latent.shape[2], latent.shape[3]),
            lambda part, mean, index: writer.gaussians(exact[:, part] - mean, index) + mean,
        )
        return writer.numbers, writer.words()

    def read(self, words: bytes, shape: tuple[int, int]) -> tuple[list[np.ndarray], Tensor]:
        reader = Reader(words)
        side = reader.channels((self.width, *(-(-length // DOWN) for length in shape)), self.side)
        values = self.go_through(side, shape, lambda _part, mean, index: reader.gaussians(index) + mean)
        return reader.all_numbers(), values.float()

    def go_through(
        self, side: Tensor, shape: tuple[int, int], each: Callable[[slice, Tensor, Tensor], Tensor]
    ) -> Tensor:
        """Calls `each` for every group of channels with its means and table indices, and returns all values.

        Reading and writing go the same way, in float64 on the CPU: what one chose tables by, the other does.
        """
        exact = self.in_float64()
        features = exact.synthesis(side.double())[..., : shape[0], : shape[1]]
        mean, scale = parameters(features)
        return each(slice(0, self.channels), mean, scale_index(scale))

    def in_float64(self) -> Any:
        """Returns a copy in float64 on the CPU."""
        return copy.deepcopy(self).cpu().double()


class ContextPrior(HyperPrior):
    """The hyperprior, and groups of channels that are predicted from those before them.

    Source: Minnen and Singh 2020, "Channel-wise autoregressive entropy models for learned image compression", with
    four groups and one hidden layer.
    """

    def __init__(self, channels: int, rounding: Rounding, width: int, apart: bool = False) -> None:
        super().__init__(channels, rounding, width, apart)
        bounds = [round(channels * index / SLICES) for index in range(SLICES + 1)]
        self.groups = [slice(a, b) for a, b in itertools.pairwise(bounds) if b > a]
        self.predict = nn.ModuleList(
            nn.Sequential(
                SameConv2d(self.features + group.start, width, 3), nn.ReLU(),
                SameConv2d(width, 2 * (group.stop - group.start), 3),
            )
            for group in self.groups
        )  # fmt: skip

    def latent_bits(self, latent: Tensor, features: Tensor, random: torch.Generator | None) -> Coded:
        sent: list[Tensor] = []
        bits = latent.new_zeros(())
        for group, predict in zip(self.groups, self.predict, strict=True):
            mean, scale = parameters(predict(torch.cat([features, *sent], 1)))
            estimated, values = self.sent(latent[:, group], mean, random)
            bits = bits + bits_of(probability(estimated, mean, scale))
            sent.append(values)
        return Coded(torch.cat(sent, 1), bits)

    def go_through(
        self, side: Tensor, shape: tuple[int, int], each: Callable[[slice, Tensor, Tensor], Tensor]
    ) -> Tensor:
        exact = self.in_float64()
        features = exact.synthesis(side.double())[..., : shape[0], : shape[1]]
        sent: list[Tensor] = []
        for group, predict in zip(self.groups, exact.predict, strict=True):
            mean, scale = parameters(predict(torch.cat([features, *sent], 1)))
            sent.append(each(group, mean, scale_index(scale)))
        return torch.cat(sent, 1)


class Beside(nn.ModuleList):
    """Networks that look at the same input, their outputs side by side as channels."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([network(x) for network in self], 1)


def prior(kind: Kind, channels: int, rounding: Rounding, width: int, *, apart: bool = False) -> Prior:
    """Returns a model by its name; the rest is of the side information, which the factorized one has none of."""
    if kind == "factorized":
        return FactorizedPrior(channels, rounding)
    return (ContextPrior if kind == "context" else HyperPrior)(channels, rounding, width, apart)


def parameters(features: Tensor) -> tuple[Tensor, Tensor]:
    """Returns means and scales (N, C, h, w) of features (N, 2 C, h, w)."""
    mean, raw = features.chunk(2, 1)
    return mean, F.softplus(raw)


def bits_of(probabilities: Tensor) -> Tensor:
    """Returns the bits that symbols of these probabilities take together."""
    return -probabilities.log2().sum()


def noise_like(values: Tensor, random: torch.Generator) -> Tensor:
    """Returns uniform noise of the shape of `values`, from -1/2 to 1/2, drawn on the CPU."""
    return (torch.rand(values.shape, generator=random) - 0.5).to(values)
