"""Networks that turn patches into feature vectors, under conditions that make the numbers repeatable."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ablate.metrics.catalogue import extractors

if TYPE_CHECKING:
    from torch import Tensor

_PIXELS_AT_ONCE = 1 << 16
"""Pixels in a batch: half as many leave a core idle between layers, more gain nothing."""


@dataclass(frozen=True)
class Extractor:
    """A feature extractor with the facts that make its distances comparable: same name, tap and weights, or not.

    `network` takes float32 images (N, 3, H, W) in 0 to 255 and returns features (N, tap).
    """

    name: str
    tap: int
    weights_sha256: str
    preprocessing: str
    device: str
    network: Callable[[Tensor], Tensor]

    def __call__(self, images: Tensor) -> Tensor:
        """Returns the features of uint8 images (N, 3, H, W) at their native size: float32 (N, tap), on the CPU.

        Neither autocast nor TF32 applies: they would move a distance by per cents.

        Raises:
            ValueError: for anything but uint8 RGB images.
        """
        import torch

        from ablate.networks.exact import exact

        if images.dtype != torch.uint8 or images.ndim != 4 or images.shape[1] != 3 or not images.numel():
            shape = tuple(images.shape)
            raise ValueError(f"images must be uint8 (N, 3, H, W) and not empty, not {images.dtype} {shape}")
        count = max(1, _PIXELS_AT_ONCE // images[0, 0].numel())
        device = torch.device(self.device)
        with torch.inference_mode(), exact(device):
            batches = [self.network(batch.to(device).float()).cpu() for batch in images.split(count)]
        # A tensor made in inference mode could not take part in autograd; a copy is an ordinary one.
        return torch.cat(batches).clone()


def extractor(name: str, tap: int | None = None, device: str = "cpu", **options: Any) -> Extractor:
    """Returns the registered extractor `name`, its output taken at the layer `tap`, on a torch device.

    Args:
        name: "lite0", "inception" or "dinov2".
        tap: the width of the layer; by default 112, 2048 and 1024.
        device: where it computes.
        options: of the one extractor, such as `weights`, the path of its file.

    Raises:
        ValueError: for a name, tap or option that there is not, or weights that are absent or altered.
    """
    entry = extractors[name]
    given = {"device": device, **options} | ({} if tap is None else {"tap": tap})
    made: Extractor = entry.function(**entry.resolve(given))
    return made


def require_tap(name: str, tap: int) -> None:
    """Refuses a tap that an extractor does not have.

    Raises:
        ValueError: says which there are.
    """
    taps = list(map(str, extractors[name].facts["taps"]))
    if str(tap) not in taps:
        there = f"taps {' and '.join(taps)}" if len(taps) > 1 else f"tap {taps[0]}"
        raise ValueError(f"{name} has the {there}, not {tap}")
