"""A weighted sum of MSE, L1 and Charbonnier of one pair of images, with its gradients, in one pass over them."""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from ablate.kernels import gpu
from ablate.kernels.backend import Backend, Function, Gradients
from ablate.kernels.by_autograd import by_autograd, exact, symmetric
from ablate.kernels.compiled import compiled
from ablate.kernels.layout import alike, supported
from ablate.kernels.native.library import library, missing
from ablate.losses import distortion


class Weights(NamedTuple):
    """How much of each distortion; charbonnier's epsilon is 1e-3 on [-1, 1], as that of `losses.pixel`."""

    mse: float = 1.0
    l1: float = 0.0
    charbonnier: float = 0.0
    epsilon: float = 1e-3

    @property
    def terms(self) -> list[tuple[str, float]]:
        """The distortions that count, with their weights."""
        return [(name, weight) for name in ("mse", "l1", "charbonnier") if (weight := getattr(self, name))]

    def checked(self) -> Weights:
        """Returns itself.

        Raises:
            ValueError: where nothing counts, or epsilon is 0 or less.
        """
        if not self.terms:
            raise ValueError("a distortion of mse = 0, l1 = 0 and charbonnier = 0 is nothing to compute")
        if self.epsilon <= 0:
            raise ValueError(f"charbonnier needs an epsilon above 0, not {self.epsilon}")
        return self


def eager(
    *, mse: float = 1.0, l1: float = 0.0, charbonnier: float = 0.0, epsilon: float = 1e-3, both: bool = False
) -> Function:
    """The definitions, by autograd."""
    weights = Weights(mse, l1, charbonnier, epsilon).checked()
    functions = [
        (distortion(name, **({"epsilon": epsilon} if name == "charbonnier" else {})), weight)
        for name, weight in weights.terms
    ]

    def loss(images: Sequence[Tensor], reconstructions: Sequence[Tensor]) -> Tensor:
        pair = exact(images[0]), exact(reconstructions[0])
        return sum((weight * function(*pair) for function, weight in functions), start=pair[0].new_zeros(()))

    return symmetric(loss) if both else by_autograd(loss, image=False)


def explicit(
    *, mse: float = 1.0, l1: float = 0.0, charbonnier: float = 0.0, epsilon: float = 1e-3, both: bool = False
) -> Function:
    """The derivatives written out, in PyTorch, the error computed once."""
    weights = Weights(mse, l1, charbonnier, epsilon).checked()

    def function(images: Sequence[Tensor], reconstructions: Sequence[Tensor]) -> Gradients:
        (image,), (reconstruction,) = images, reconstructions
        _check(image, reconstruction)
        error = reconstruction.detach().float() - image.detach().float()
        value, gradient = _explicit(error, weights)
        gradient = gradient.to(reconstruction.dtype)
        return Gradients(value, (-gradient.to(image.dtype),) if both else (), (gradient,))

    return function


def _explicit(error: Tensor, weights: Weights) -> tuple[Tensor, Tensor]:
    """Returns the weighted mean and its gradient by the error, which may be overwritten."""
    values, gradients = [], []
    size = error.numel()
    if weights.charbonnier:
        root = error.square().add_(weights.epsilon**2).sqrt_()
        values.append(weights.charbonnier * _mean(root))
        gradients.append(torch.div(error, root, out=root).mul_(weights.charbonnier / size))
    if weights.l1:
        values.append(weights.l1 * _mean(error.abs()))
        gradients.append(error.sign().mul_(weights.l1 / size))
    if weights.mse:
        values.append(weights.mse * _mean(error.square()))
        gradients.append(error.mul_(2 * weights.mse / size))
    value, gradient = values[0], gradients[0]
    for other, more in zip(values[1:], gradients[1:], strict=True):
        value, gradient = value + other, gradient.add_(more)
    return value, gradient


def _mean(values: Tensor) -> Tensor:
    """Averages rows, then planes: compiled code adds one by one, and over a million equal values is off by 4e-5."""
    return values.mean(-1).mean(-1).mean()


PAIR = "PPPPq"
"""Of distortion.c: x, y, their gradients, size."""


def native(
    *, mse: float = 1.0, l1: float = 0.0, charbonnier: float = 0.0, epsilon: float = 1e-3, both: bool = False
) -> Function:
    """One pass in C."""
    return in_c(Weights(mse, l1, charbonnier, epsilon).checked(), both=both)


def in_c(weights: Weights, *, both: bool) -> Function:
    """Returns the sum over any number of pairs of tensors, each pair's mean by itself."""
    call = library("distortion").distortion
    call.argtypes = (ctypes.c_char_p, ctypes.c_int64, *[ctypes.c_double] * 4, ctypes.c_int, ctypes.c_void_p)
    call.restype = ctypes.c_int

    def function(images: Sequence[Tensor], reconstructions: Sequence[Tensor]) -> Gradients:
        supported(*images, *reconstructions)
        held, of_images, of_reconstructions, pairs = [], [], [], b""
        for image, reconstruction in zip(images, reconstructions, strict=True):
            x, y = alike(image, reconstruction)
            gradient = torch.empty_like(y)
            other = torch.empty_like(x) if both else None
            held.append((x, y))
            of_reconstructions.append(gradient)
            if other is not None:
                of_images.append(other)
            pointers = (x.data_ptr(), y.data_ptr(), 0 if other is None else other.data_ptr(), gradient.data_ptr())
            pairs += struct.pack(PAIR, *pointers, y.numel())
        value = torch.empty(())
        if call(pairs, len(held), *weights, torch.get_num_threads(), value.data_ptr()):
            raise MemoryError("distortion.c found no memory")
        return Gradients(value, _typed(of_images, images), _typed(of_reconstructions, reconstructions))

    return function


def _typed(gradients: Sequence[Tensor], tensors: Sequence[Tensor]) -> tuple[Tensor, ...]:
    return tuple(g if g.dtype is t.dtype else g.to(t.dtype) for g, t in zip(gradients, tensors, strict=False))


def _check(image: Tensor, reconstruction: Tensor) -> None:
    supported(image, reconstruction)
    if image.shape != reconstruction.shape:
        raise ValueError(f"the image is {tuple(image.shape)}, its reconstruction {tuple(reconstruction.shape)}")


def in_triton(
    *, mse: float = 1.0, l1: float = 0.0, charbonnier: float = 0.0, epsilon: float = 1e-3, both: bool = False
) -> Function:
    """One launch."""
    from ablate.kernels.gpu.pairs import on_gpu

    return on_gpu(Weights(mse, l1, charbonnier, epsilon).checked(), both=both)


BACKENDS = (
    Backend("distortion", "eager", ("cpu", "cuda"), eager),
    Backend("distortion", "explicit", ("cpu", "cuda"), explicit),
    compiled("distortion", explicit),
    Backend("distortion", "native", ("cpu",), native, lambda _: missing("distortion")),
    Backend("distortion", "triton", ("cuda",), in_triton, gpu.missing),
)
