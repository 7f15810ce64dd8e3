"""From what a user asks for to the cases that are measured."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch

from ablate.bench.case import DTYPES, Kernel, Setting, Shape
from ablate.bench.cases import KERNELS
from ablate.bench.names import TRAINING_STEP
from ablate.bench.steps import VARIANTS
from ablate.registry import unknown

DEVICES = ("auto", "cpu", "cuda")


@dataclass(frozen=True)
class Request:
    """A request of a user; an empty field means everything that is usual.

    Shapes are the kernels' own if empty, types float32; the baseline is always among the backends.
    """

    kernels: tuple[str, ...] = ()
    shapes: tuple[Shape, ...] = ()
    dtypes: tuple[str, ...] = ()
    backends: tuple[str, ...] = ()
    device: str = "cpu"
    threads: int = 1

    @classmethod
    def parse(cls, device: str, threads: int, **options: Sequence[str] | None) -> Request:
        """Reads the options of a command; names and shapes may be given one by one or with commas.

        Raises:
            ValueError: for a shape that is none, and for a name that there is not, with the nearest.
        """
        there = device_named(device)
        names = {
            option: tuple(name.strip() for text in given or () for name in text.split(",") if name.strip())
            for option, given in options.items()
        }
        shapes = tuple(map(Shape.parse, names.pop("shapes")))
        return cls(shapes=shapes, device=there, threads=threads, **names).checked()

    def checked(self) -> Request:
        """Returns itself.

        Raises:
            ValueError: for a name that there is not, with the nearest.
        """
        _known("kernel", self.kernels, [*KERNELS, TRAINING_STEP])
        _known("type", self.dtypes, list(DTYPES))
        if self.backends:
            _known("backend", self.backends, self._candidates())
        return self

    @property
    def steps_too(self) -> bool:
        """Whether the whole training step is to be measured."""
        return not self.kernels or TRAINING_STEP in self.kernels

    def settings(self) -> Iterator[tuple[Kernel, Setting]]:
        """Yields what to measure of the kernels."""
        for kernel in self._kernels():
            for direction in kernel.directions:
                for dtype in dict.fromkeys(self.dtypes or ("float32",)):
                    for shape in (self.shapes or (kernel.shape[self.device],)) if dtype in kernel.dtypes else ():
                        yield kernel, Setting(direction, shape, DTYPES[dtype], self.device)

    def _kernels(self) -> list[Kernel]:
        return [KERNELS[name] for name in self.kernels or KERNELS if name in KERNELS]

    def _candidates(self) -> list[str]:
        """Returns the names of everybody who could take part in any of the kernels."""
        names = dict.fromkeys(VARIANTS if self.steps_too else ())
        for kernel in self._kernels():
            setting = Setting(kernel.directions[0], kernel.shape[self.device], torch.float32, self.device)
            names |= dict.fromkeys(candidate.name for candidate in kernel.case(setting).candidates)
        return list(names)


def device_named(name: str) -> str:
    """Returns the device that is meant; auto is the GPU where there is one.

    Raises:
        ValueError: for a device that there is not.
    """
    if name not in DEVICES:
        raise ValueError(unknown("device", name, list(DEVICES)))
    there = torch.cuda.is_available()
    if name == "cuda" and not there:
        built = torch.version.cuda
        why = f"is built for CUDA {built} and sees none" if built else "is built without CUDA"
        raise ValueError(f"there is no GPU here (torch {torch.__version__} {why}); --device cpu measures the CPU")
    return "cuda" if name != "cpu" and there else "cpu"


def _known(kind: str, names: Sequence[str], allowed: list[str]) -> None:
    for name in names:
        if name not in allowed:
            raise ValueError(unknown(kind, name, allowed))
