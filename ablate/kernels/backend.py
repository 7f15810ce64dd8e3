"""A backend: one way to compute a loss and its gradients together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from torch import Tensor


class Gradients(NamedTuple):
    """A loss and its gradients.

    Attributes:
        value: 0-dim, float32, or float64 where the definition was given float64.
        image: the gradients of the image's tensors, shaped and typed as these; none where they were not asked for.
        reconstruction: the same of the reconstruction's.
    """

    value: Tensor
    image: tuple[Tensor, ...]
    reconstruction: tuple[Tensor, ...]


Function = Callable[[Sequence[Tensor], Sequence[Tensor]], Gradients]
"""(the image's tensors, the reconstruction's) to the loss and its gradients.

It writes into none of them and keeps no graph: what it returns cannot be differentiated again. On a GPU it waits for
nothing, so that it can be captured into a graph.
"""


class Tolerance(NamedTuple):
    """How far a backend may lie from float64.

    Attributes:
        value: relative to the loss.
        floor: added to it, absolute; what the operator's definition itself cannot resolve.
        gradient: of each tensor, the norm of the difference over the norm.
        gradient_floor: added to what it allows for the norm of the difference, absolute.
    """

    value: float
    floor: float
    gradient: float
    gradient_floor: float = 0.0


def always(_device: str) -> None:
    """Says of a backend that it can be used anywhere."""


@dataclass(frozen=True)
class Backend:
    """One way to compute an operator.

    Attributes:
        operator: the operator's name.
        name: eager, explicit, channels_last, compiled, native or triton.
        build: options to the function that computes them. Raises ValueError for options that it does not do.
        devices: the types of device that it runs on.
        missing: why it cannot be used on a device of a type that it is for, in a sentence; None where it can.
    """

    operator: str
    name: str
    build: Callable[..., Function]
    devices: tuple[str, ...] = ("cpu", "cuda")
    missing: Callable[[str], str | None] = always

    def unavailable(self, device: str) -> str | None:
        """Returns why the backend cannot be used on "cpu" or "cuda", in a sentence, or None where it can."""
        kind = device.partition(":")[0]
        if kind not in self.devices:
            return f"{self.operator}: {self.name} is for {' and '.join(self.devices)}, not for {kind}"
        return self.missing(kind)
