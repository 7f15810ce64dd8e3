"""One discriminator for each scale of an image."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn

from ablate.discriminators.output import DiscriminatorOutput
from ablate.discriminators.patch import PatchDiscriminator
from ablate.discriminators.settings import DiscriminatorSettings
from ablate.layers.padding import average_pool_same


class Discriminator(nn.ModuleList):
    """One discriminator a scale, each on an image pooled once more; the first sees full resolution."""

    def __init__(
        self, settings: DiscriminatorSettings, one: Callable[[DiscriminatorSettings], nn.Module] = PatchDiscriminator
    ) -> None:
        super().__init__(one(settings) for _ in range(settings.scales))

    def forward(self, image: Tensor, symbols: Tensor | None = None) -> DiscriminatorOutput:
        """Judges images (N, 3, H, W); `symbols` (N, C, h, w) are what the codec sent of them."""
        logits, features = [], []
        x = image
        for i, scale in enumerate(self):
            if i > 0:
                x = average_pool_same(x)
            scale_logits, scale_features = scale(x, symbols)
            logits.append(scale_logits)
            features.append(scale_features)
        return DiscriminatorOutput(tuple(logits), tuple(features))
