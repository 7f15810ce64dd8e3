"""Label maps as networks look at them: a channel for each class."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

VOID = 255
"""The label of pixels that belong to no class."""


def one_hot(labels: Tensor, classes: int) -> Tensor:
    """Returns labels, uint8 (N, H, W), as float (N, classes, H, W): 1 in the channel of a pixel's class, none for VOID.

    Raises:
        ValueError: for another label that is no class.
    """
    from torch.nn import functional as F

    there = labels != VOID
    if (beyond := there & (labels >= classes)).any():
        raise ValueError(
            f"a label map holds the label {int(labels[beyond].max())}, and there are {classes} classes, 0 to "
            f"{classes - 1} (model.map_classes); {VOID} stands for pixels of none"
        )
    channels = F.one_hot(labels.where(there, 0).long(), classes).permute(0, 3, 1, 2)
    return channels.float() * there[:, None]
