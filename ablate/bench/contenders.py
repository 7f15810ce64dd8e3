"""Everybody who can compute a loss: its definition, torch.compile, CUDA graphs, the kernels of this package."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from ablate.bench.case import Contender, Pair, Setting
from ablate.bench.names import BASELINE, FORWARD, TORCH_COMPILE, Pass
from ablate.kernels import Function, Gradients, backends
from ablate.kernels.by_autograd import Loss, by_autograd
from ablate.kernels.compiled import missing as no_compiler

REPLAYED = "reduce-overhead"
"""The mode of torch.compile that makes CUDA graphs."""
MODES = {
    "cpu": {TORCH_COMPILE: "default"},
    "cuda": {
        TORCH_COMPILE: "default",
        f"{TORCH_COMPILE}-reduce-overhead": REPLAYED,
        f"{TORCH_COMPILE}-max-autotune": "max-autotune-no-cudagraphs",
    },
}
COMPILED_KERNEL = "compiled"


Differentiate = Callable[[Loss], Function]
"""Makes of a loss what is measured: with gradients, or without."""


def in_direction(direction: Pass, *, image: bool, reconstruction: bool) -> Differentiate:
    """Returns what makes a function of a loss that a direction measures; the flags say whose gradients are wanted."""
    if direction == FORWARD:
        return _evaluated
    return lambda loss: by_autograd(loss, image=image, reconstruction=reconstruction)


def _evaluated(loss: Loss) -> Function:
    """Returns a loss alone, without a graph."""

    @torch.no_grad()
    def function(images: Sequence[Tensor], reconstructions: Sequence[Tensor]) -> Gradients:
        return Gradients(loss(images, reconstructions), (), ())

    return function


def by_torch(loss: Loss, differentiate: Differentiate, setting: Setting, build_seconds: float) -> Iterator[Contender]:
    """Yields what torch makes of a loss: its modes of compilation, and a CUDA graph."""
    yield from compiled(lambda: loss, differentiate, setting, build_seconds=build_seconds)
    if setting.device != "cpu":
        yield Contender("cuda-graph", lambda: Graphed(differentiate(loss)), specialised=True, replayed=True)


def compiled(
    make: Callable[[], Loss], differentiate: Differentiate, setting: Setting, *, of: str = "", **of_contender: Any
) -> Iterator[Contender]:
    """Yields a loss under each mode of torch.compile; `of` is the name of the package whose loss it is."""
    for name, mode in MODES[setting.device].items():

        def build(mode: str = mode) -> Function:
            return differentiate(torch.compile(make(), mode=mode, dynamic=False))

        called = f"{of}-{name.removeprefix('torch-')}" if of else name
        missing, replayed = no_compiler(setting.device), mode == REPLAYED
        yield Contender(called, build, missing=missing, specialised=True, replayed=replayed, **of_contender)


def by_kernels(
    operator: str, options: Mapping[str, Any], setting: Setting, build_seconds: float
) -> tuple[Contender, ...]:
    """Returns the backends of an operator but the definition; they give gradients always, so there are none forward."""
    if setting.direction == FORWARD:
        return ()
    return tuple(
        Contender(
            backend.name,
            functools.partial(backend.build, **options),
            missing=backend.unavailable(setting.device),
            elsewhere=setting.device not in backend.devices,
            specialised=backend.name == COMPILED_KERNEL,
            build_seconds=build_seconds if backend.name == COMPILED_KERNEL else 0.0,
        )
        for backend in backends(operator)
        if backend.name != BASELINE
    )


class Graphed:
    """A function replayed from CUDA graphs, one for each inputs that it was called with.

    What it returns is overwritten by the next call with the same inputs.
    """

    def __init__(self, function: Function) -> None:
        self._function = function
        self._graphs: dict[tuple[int, ...], tuple[torch.cuda.CUDAGraph, Gradients, Pair]] = {}

    def __call__(self, images: Sequence[Tensor], reconstructions: Sequence[Tensor]) -> Gradients:
        key = tuple(tensor.data_ptr() for tensor in (*images, *reconstructions))
        if key not in self._graphs:
            self._graphs[key] = self._captured(images, reconstructions)
        graph, result, _ = self._graphs[key]
        graph.replay()
        return result

    def _captured(
        self, images: Sequence[Tensor], reconstructions: Sequence[Tensor]
    ) -> tuple[torch.cuda.CUDAGraph, Gradients, Pair]:
        """Captures after calls on a stream of its own, in which libraries make their handles."""
        aside = torch.cuda.Stream()
        aside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(aside):
            for _ in range(3):
                self._function(images, reconstructions)
        torch.cuda.current_stream().wait_stream(aside)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            result = self._function(images, reconstructions)
        # The inputs are kept, so that nobody else comes to lie at their addresses.
        return graph, result, Pair(tuple(images), tuple(reconstructions))
