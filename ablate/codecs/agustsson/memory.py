"""Refuses an image that must be done as a whole and does not fit into memory, before the kernel kills the process."""

from __future__ import annotations

import torch

from ablate import memory

_GIB = 1 << 30


INSTANCE_NORM = (
    "this codec's instance norm is over the whole image, so that it cannot be done in tiles "
    '(model.norm = "channel" or "none" can)'
)


def require_memory(need: float, size: tuple[int, int], device: str, why: str = INSTANCE_NORM) -> None:
    """Refuses an image of `size` that needs more bytes than the device has free; `why` says what for.

    Raises:
        ValueError: with both numbers, and what to do.
    """
    free = available(device)
    if need > free:
        raise ValueError(
            f"{size[0]}x{size[1]} pixels need about {need / _GIB:.1f} GiB and {free / _GIB:.1f} are free: {why}; cut "
            "or shrink the image, or take a larger machine"
        )


def available(device: str) -> int:
    """Returns the bytes that can be allocated on a device without swapping."""
    if device.startswith("cuda"):
        # What torch keeps of freed tensors, a whole training's in the end, is free for it and not for the driver.
        kept = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return int(torch.cuda.mem_get_info(device)[0]) + kept
    return memory.available()
