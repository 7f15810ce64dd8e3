"""Encoder, generator and noise branch of Agustsson et al., whatever is sent between them."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from ablate.codecs.agustsson.encoder import Encoder
from ablate.codecs.agustsson.generator import Generator
from ablate.codecs.agustsson.map_encoder import MapEncoder
from ablate.codecs.agustsson.noise import NoiseBranch
from ablate.codecs.agustsson.settings import AgustssonSettings
from ablate.codecs.codec import NOTHING, Side, TrainableCodec
from ablate.layers.initial import initialise
from ablate.rng import stream


def require_size(side: Side, size: tuple[int, int], stride: int) -> None:
    """Refuses a label map or a mask of blocks of another size than the image's.

    Raises:
        ValueError: with both.
    """
    if side.labels is not None and tuple(side.labels.shape[-2:]) != size:
        map_size = "x".join(map(str, side.labels.shape[-2:]))
        raise ValueError(f"the label map is {map_size} pixels and the image {size[0]}x{size[1]}: they must be equal")
    blocks = tuple(-(-each // stride) for each in size)
    if side.kept is not None and tuple(side.kept.shape[-2:]) != blocks:
        found = "x".join(map(str, side.kept.shape[-2:]))
        raise ValueError(f"the mask is of {found} blocks, and the image has {blocks[0]}x{blocks[1]}")


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
        self.maps = MapEncoder(settings) if settings.map_classes else None
        self.takes_labels, self.takes_mask = self.maps is not None, settings.selective != "none"
        self.generator = type(self).GENERATOR(settings)

    def initialise(self, seed: int) -> None:
        """Draws the weights of encoder, noise branch, map encoder and generator, each from a stream of its own."""
        for name in ("encoder", "noise", "maps", "generator"):
            module = getattr(self, name)
            if module is not None:
                initialise(module, stream(seed, f"{name}.init"))

    def generate(self, values: Tensor, random: torch.Generator | None, side: Side = NOTHING) -> Tensor:
        """Returns images (N, 3, H, W) in [-1, 1] of sent values (N, C, h, w), noise drawn where there is a branch.

        Raises:
            ValueError: without a label map where the generator is given one.
        """
        given = [values]
        if self.noise is not None:
            assert random is not None, "a codec with a noise branch needs a generator to draw from"
            n, _, height, width = values.shape
            drawn = self.noise.sample((n, height, width), random, values.device)
            given.append(self.noise(drawn, (height, width)))
        if self.maps is not None:
            given.append(self._features(self.maps, side))
        return self.generator(torch.cat(given, 1) if len(given) > 1 else values)

    def _features(self, maps: MapEncoder, side: Side) -> Tensor:
        if side.labels is None:
            raise ValueError("this codec's generator is given label maps (model.map_classes), and there is none")
        return maps.features(side.labels.to(self.device))

    def parts(self) -> dict[str, nn.Module]:
        """Returns encoder, generator and, where there are such, noise branch and map encoder."""
        parts: dict[str, nn.Module] = {"encoder": self.encoder, "generator": self.generator}
        beside = {"noise": self.noise, "maps": self.maps}
        return parts | {name: part for name, part in beside.items() if part is not None}

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.last_layer.device
