"""The candidates of a loss beside its definition: torch.compile, CUDA graphs, the kernels of this package."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from ablate.bench.case import Candidate, Pair, Setting
from ablate.bench.names import BASELINE, FORWARD, TORCH_COMPILE, Pass
from ablate.kernels import Function, Gradients, backends
from ablate.kernels.by_autograd import Loss, by_autograd
from ablate.kernels.compiled import missing as no_compiler

COMPILED_KERNEL = "compiled"
CUDA_GRAPHS = "reduce-overhead"
"""The mode of torch.compile that makes CUDA graphs."""
MODES = {
    "cpu": {TORCH_COMPILE: "default"},
    "cuda": {
        TORCH_COMPILE: "default",
        f"{TORCH_COMPILE}-reduce-overhead": CUDA_GRAPHS,
        f"{TORCH_COMPILE}-max-autotune": "max-autotune-no-cudagraphs",
    },
}

Differentiate = Callable[[Loss], Function]
"""Makes of a loss the function that is measured: with gradients, or without."""


def in_direction(direction: Pass, *, image: bool, reconstruction: bool) -> Differentiate:
    """Returns how a loss is measured in a direction; the flags say whose gradients are wanted."""
    if direction == FORWARD:
        return _value_only
    return functools.partial(by_autograd, image=image, reconstruction=reconstruction)


def _value_only(loss: Loss) -> Function:
    """Returns a loss alone, without a graph."""

    @torch.no_grad()
    def function(images: Sequence[Tensor], reconstructions: Sequence[Tensor]) -> Gradients:
        return Gradients(loss(images, reconstructions), (), ())

    return function


def by_torch(loss: Loss, differentiate: Differentiate, setting: Setting, build_seconds: float) -> Iterator[Candidate]:
    """Yields a loss as torch can speed it up: under each mode of torch.compile, and in a CUDA graph."""
    yield from compiled(lambda: loss, differentiate, setting, build_seconds=build_seconds)
    if setting.device != "cpu":
        yield Candidate("cuda-graph", lambda: Graphed(differentiate(loss)), specialised=True, replayed=True)


def compiled(
    make: Callable[[], Loss], differentiate: Differentiate, setting: Setting, *, of: str = "", **attributes: Any
) -> Iterator[Candidate]:
    """Yields a loss under each mode of torch.compile; `of` is the name of the package whose loss it is."""
    for name, mode in MODES[setting.device].items():

        def build(mode: str = mode) -> Function:
            return differentiate(torch.compile(make(), mode=mode, dynamic=False))

        yield Candidate(
            f"{of}-{name.removeprefix('torch-')}" if of else name,
            build,
            missing=no_compiler(setting.device),
            specialised=True,
            replayed=mode == CUDA_GRAPHS,
            **attributes,
        )


def by_kernels(
    operator: str, options: Mapping[str, Any], setting: Setting, build_seconds: float
) -> Iterator[Candidate]:
    """Yields the backends of an operator but the definition; they give gradients always, so there are none forward."""
    for backend in backends(operator) if setting.direction != FORWARD else ():
        if backend.name != BASELINE:
            is_compiled = backend.name == COMPILED_KERNEL
            yield Candidate(
                backend.name,
                functools.partial(backend.build, **options),
                missing=backend.unavailable(setting.device),
                elsewhere=setting.device not in backend.devices,
                specialised=is_compiled,
                build_seconds=build_seconds if is_compiled else 0.0,
            )


class Graphed:
    """A function replayed from CUDA graphs, one for each inputs that it was called with.

    What it returns is overwritten by the next call with the same inputs.
    """

    def __init__(self, function: Function) -> None:
        self._function = function
        self._graphs: dict[tuple[int, ...], tuple[torch.cuda.CUDAGraph, Gradients, Pair]] = {}

    def __call__(self, images: Sequence[Tensor], reconstructions: Sequence[Tensor]) -> Gradients:
        pair = Pair(tuple(images), tuple(reconstructions))
        key = tuple(tensor.data_ptr() for tensor in pair.tensors)
        if key not in self._graphs:
            # The inputs are kept, so that nobody else comes to lie at their addresses.
            self._graphs[key] = (*self._captured(pair), pair)
        graph, result, _ = self._graphs[key]
        graph.replay()
        return result

    def _captured(self, pair: Pair) -> tuple[torch.cuda.CUDAGraph, Gradients]:
        """Captures after calls on a stream of its own, in which libraries make their handles."""
        aside = torch.cuda.Stream()
        aside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(aside):
            for _ in range(3):
                self._function(*pair)
        torch.cuda.current_stream().wait_stream(aside)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            result = self._function(*pair)
        return graph, result
