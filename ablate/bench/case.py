"""A case of the bench: a loss at one shape, the least work it takes, and the candidates that compute it."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from ablate.bench.names import BACKWARD, FORWARD, Pass
from ablate.kernels import Function, Tolerance

DTYPES: Mapping[str, torch.dtype] = {"float32": torch.float32, "bfloat16": torch.bfloat16}


class Shape(NamedTuple):
    """Images (N, C, H, W), from which the shapes of logits and features follow."""

    images: int
    channels: int
    height: int
    width: int

    def __str__(self) -> str:
        return "x".join(map(str, self))

    @classmethod
    def parse(cls, text: str) -> Shape:
        """Reads 8x3x256x256.

        Raises:
            ValueError: for anything but images x 3 x height x width.
        """
        if not (match := re.fullmatch(r"([1-9]\d*)x3x([1-9]\d*)x([1-9]\d*)", text.strip())):
            raise ValueError(f"a shape is images x 3 x height x width, such as 8x3x256x256, not {text!r}")
        images, height, width = map(int, match.groups())
        return cls(images, 3, height, width)


class Pair(NamedTuple):
    """The tensors of an image and of its reconstruction: images, logits of each scale, or features of each layer."""

    image: tuple[Tensor, ...]
    reconstruction: tuple[Tensor, ...]

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """All of them."""
        return (*self.image, *self.reconstruction)

    @property
    def bytes(self) -> int:
        """Their size in memory."""
        return sum(each.nbytes for each in self.tensors)

    def map(self, function: Callable[[Tensor], Tensor]) -> Pair:
        """Returns the pair with a function applied to each tensor."""
        return Pair(tuple(map(function, self.image)), tuple(map(function, self.reconstruction)))


class Work(NamedTuple):
    """The least that any form of a kernel must do: bytes to and from memory, and floating-point operations."""

    bytes: int
    flops: int


class Setting(NamedTuple):
    """Where a kernel is measured."""

    direction: Pass
    shape: Shape
    dtype: torch.dtype
    device: str


@dataclass(frozen=True)
class Candidate:
    """One way to compute a case.

    Attributes:
        name: eager, a kernel's backend, a mode of torch.compile, or an installed package.
        build: makes the function; its first call may compile.
        missing: why it cannot be used here, in a sentence; None where it can.
        prepare: brings inputs into the form it is fastest with, before the clock runs.
        peer: name and version of the package it comes from; None for those of this one.
        tolerance: its own, where it promises less than the case asks for.
        specialised: compiled for the shapes it is given, so that odd sides and strides are not tried on it.
        build_seconds: about what building takes, so that a small budget need not be spent on it.
        elsewhere: for another kind of device, and listed only where it is asked for.
        replayed: a captured graph, which took its memory when it was captured; a call takes nothing more.
        form_of: the candidate that this is another form of; where that one is refused, this is not tried.
    """

    name: str
    build: Callable[[], Function]
    missing: str | None = None
    prepare: Callable[[Pair], Pair] = lambda pair: pair
    peer: str | None = None
    tolerance: Tolerance | None = None
    specialised: bool = False
    build_seconds: float = 0.0
    elsewhere: bool = False
    replayed: bool = False
    form_of: str | None = None


@dataclass(frozen=True)
class Case:
    """A kernel at one setting.

    Attributes:
        kernel: its name.
        setting: direction, shape, type and device.
        draw: fresh random inputs, on the CPU, in float32.
        trials: inputs by name, small, on which implementations break, drawn from a seed.
        reference: the definition, applied in float64 on the CPU.
        tolerance: how far from it a candidate may lie.
        work: the least work.
        candidates: the baseline first.
        share: of a budget, against other cases.
    """

    kernel: str
    setting: Setting
    draw: Callable[[torch.Generator], Pair]
    trials: Callable[[int], Iterator[tuple[str, Pair]]]
    reference: Function
    tolerance: Tolerance
    work: Work
    candidates: tuple[Candidate, ...]
    share: float = 1.0

    def __str__(self) -> str:
        direction, shape, dtype, device = self.setting
        return f"{self.kernel} {shape} {str(dtype).removeprefix('torch.')}, {direction}, {device}"

    def inputs(self, stream: torch.Generator) -> Pair:
        """Draws inputs in the setting's type and on its device."""
        return self.placed(self.draw(stream))

    def placed(self, pair: Pair) -> Pair:
        """Returns inputs in the setting's type and on its device; strides stay as they are."""
        return pair.map(lambda tensor: tensor.to(self.setting.device, self.setting.dtype))


@dataclass(frozen=True, kw_only=True)
class Kernel(ABC):
    """A loss kernel as `--kernel` names it.

    Attributes:
        shape: of images, by device, unless another is asked for.
        directions: the passes that are measured, the most important first.
        share: of a budget, against other kernels.
    """

    name: str
    shape: Mapping[str, Shape]
    directions: tuple[Pass, ...] = (BACKWARD, FORWARD)
    dtypes: tuple[str, ...] = tuple(DTYPES)
    share: float = 1.0

    @abstractmethod
    def case(self, setting: Setting) -> Case:
        """Returns the kernel at one setting."""
