"""Named random streams: randomness is an argument, never a global seed.

Two runs that differ in one part (a discriminator scale more, say) draw the same numbers everywhere else,
so that a comparison paired by seed is a comparison of real pairs.
"""

from __future__ import annotations

import hashlib

from ablate.late_torch import Tensor, torch


def stream(seed: int, purpose: str, step: int = 0) -> torch.Generator:
    """Returns the CPU generator of `purpose` at `step`: a pure function of its three arguments."""
    digest = hashlib.blake2b(f"{seed}/{purpose}/{step}".encode(), digest_size=8).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest, "little") >> 1)


def to_device(drawn: Tensor, device: torch.device | str) -> Tensor:
    """Returns on a device what was drawn on the CPU, so that devices agree, and waits for nothing.

    A copy from memory that is not pinned would wait until the GPU has nothing to do.
    """
    if torch.device(device).type == "cuda":
        drawn = drawn.pin_memory()
    return drawn.to(device, non_blocking=True)
