"""The discriminator that tells the codec's own symbols apart, and reconstructions from all of them."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ablate.discriminators.discriminator import Features
from ablate.discriminators.settings import DiscriminatorSettings
from ablate.discriminators.unet import Ascending
from ablate.layers.code import Code
from ablate.layers.padding import SameConv2d


class LabelDiscriminator(Ascending):
    """A U-Net with K + 1 classes at each position of the latent: a reconstruction, or an image that was coded as k.

    The label of a position is the tuple of its C symbols, one of K = L^C (Sushko et al. 2021, section 3.1, with the
    codebook's indices as labels: Muckley et al. 2023, section 3.2). It is the codec that is being trained which labels,
    so that labels move while its encoder does; theirs come from another one that is kept.
    """

    def __init__(self, settings: DiscriminatorSettings, code: Code, levels: int) -> None:
        finest = int(math.log2(code.stride)) - 1  # the layer of the trunk with one position for each of the latent
        super().__init__(settings, finest)
        self.levels = levels
        self.classes = SameConv2d(self.trunk.widths[finest], self.levels**code.channels + 1, 3)

    def forward(self, image: Tensor, symbols: Tensor | None = None) -> tuple[Tensor, Features]:
        """Returns (N, 2, h, w), the log-probabilities of "a reconstruction" and of the label, and the features.

        Args:
            image: (N, 3, H, W), or a reconstruction of it.
            symbols: what the codec sent of it, uint8 (N, C, h, w).
        """
        assert symbols is not None, "labels are made of symbols"
        features, up = self.descend_and_ascend(image)
        said = self.classes(up[-1] if up else features[-1]).float().log_softmax(1)
        own = said.gather(1, 1 + label_of(symbols, self.levels)[:, None])
        return torch.cat([said[:, :1], own], 1), features


def label_of(symbols: Tensor, levels: int) -> Tensor:
    """Returns which of levels^C tuples the symbols (N, C, h, w) of each position are: int64 (N, h, w)."""
    places = levels ** torch.arange(symbols.shape[1], device=symbols.device)
    return (symbols.long() * places[:, None, None]).sum(1)
