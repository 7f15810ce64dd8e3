"""The ceilings of the machine, measured in the same run: the roofline that kernels are held against."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch

from ablate.bench.case import Work
from ablate.bench.clock import Clock
from ablate.networks.exact import full_float32

ASSUMED_CACHE = 32 << 20
FULL = 1.05
"""A kernel beyond this part of the roofline was not measured rightly."""


@dataclass(frozen=True)
class Ceilings:
    """Bytes and operations a second; `cache` is the size of the last-level cache in bytes.

    Attributes:
        copy: of one large tensor into another, read and written bytes counted.
        triad: of adding two into a third.
        read: of a sum.
        flops: of a product of large float32 matrices, without TF32.
        launch: seconds that a call of the smallest operation takes the device.
        cache: what inputs must exceed four times over to be cold.
    """

    copy: float
    triad: float
    read: float
    flops: float
    launch: float
    cache: int

    @property
    def bandwidth(self) -> float:
        """The best of the three, so that no kernel is flattered by a ceiling that is too low."""
        return max(self.copy, self.triad, self.read)

    def floor(self, work: Work) -> float:
        """Returns the seconds below which no form of a kernel can stay."""
        return max(work.bytes / self.bandwidth, work.flops / self.flops)

    def best_of(self, other: Ceilings) -> Ceilings:
        """Returns the better of two measurements, each for itself: contention only ever lowers a ceiling."""
        better = {name: max(value, getattr(other, name)) for name, value in asdict(self).items()}
        return replace(self, **{**better, "launch": min(self.launch, other.launch)})


@full_float32()
def measure_ceilings(clock: Clock, device: str, rounds: int = 5) -> Ceilings:
    """Measures all of them, the best of a few rounds; float32 without TF32, as losses are computed."""
    cache = cache_bytes(device)
    elements = max(cache, ASSUMED_CACHE) * (1 if device == "cpu" else 8) // 4
    first, second, third = (torch.rand(elements, device=device) for _ in range(3))
    side = 1024 if device == "cpu" else 8192
    left, right, product = (torch.rand(side, side, device=device) for _ in range(3))
    scalar = torch.zeros((), device=device)

    def best(call: Callable[[], object], calls: int = 1) -> float:
        call()
        return min(clock.time(lambda: [call] * calls).device for _ in range(rounds))

    return Ceilings(
        copy=2 * first.nbytes / best(lambda: second.copy_(first)),
        triad=3 * first.nbytes / best(lambda: torch.add(first, second, out=third)),
        read=first.nbytes / best(first.sum),
        flops=2 * side**3 / best(lambda: torch.mm(left, right, out=product)),
        launch=best(lambda: scalar.fill_(1.0), 100),
        cache=cache,
    )


def cache_bytes(device: str) -> int:
    """Returns the size of the last-level cache; a guess where the system does not say."""
    if device != "cpu":
        return int(torch.cuda.get_device_properties(device).L2_cache_size)
    texts = (path.read_text() for path in Path("/sys/devices/system/cpu/cpu0/cache").glob("index*/size"))
    sizes = (re.fullmatch(r"(\d+)([KMG])", text.strip()) for text in texts)
    return max((int(size[1]) << {"K": 10, "M": 20, "G": 30}[size[2]] for size in sizes if size), default=ASSUMED_CACHE)
