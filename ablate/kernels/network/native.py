"""The layers of a plan and their gradients, by one call into C each way."""

from __future__ import annotations

import ctypes
import functools
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.utils.parametrize import is_parametrized

from ablate.kernels.library import library, missing
from ablate.kernels.network.plan import IMAGE, NOTHING, Layer
from ablate.layers.norm import ChannelNorm

Shape = tuple[int, int, int]
"""Height, width and channels."""
ALIGNED = 16
UNUSED = 3
"""References to an array that only its list, a loop over that and the counting itself refer to."""


class _Image(ctypes.Structure):
    _fields_ = tuple((name, ctypes.c_int64) for name in ("height", "width", "channels"))


_NUMBERS = ("kind", "input", "residual", "k", "stride", "top", "left", "padding", "norm", "activation")
_WEIGHTS = ("weight", "bias", "scale", "shift")
_GRADIENTS = tuple(f"{name}_gradient" for name in _WEIGHTS)


class _Layer(ctypes.Structure):
    """`struct layer` of network.c."""

    _fields_ = (
        *((name, ctypes.c_int64) for name in _NUMBERS),
        ("in_", _Image),
        ("out", _Image),
        ("passes_on", ctypes.c_int64),
        *((name, ctypes.c_void_p) for name in (*_WEIGHTS, *_GRADIENTS, "output", "raw", "gradient", "given")),
        ("slope", ctypes.c_double),
        ("epsilon", ctypes.c_double),
        ("touched", ctypes.c_int64),
    )


_WORD = ctypes.sizeof(ctypes.c_int64)
_AT = {name: getattr(_Layer, name).offset // _WORD for name, *_ in _Layer._fields_}
"""At which word of a layer a field begins; all fields are of whole words."""
_WEIGHT, _GRADIENT, _OUTPUT = (
    slice(_AT[n], _AT[n] + count) for n, count in (("weight", 4), ("weight_gradient", 4), ("output", 2))
)
Words = NDArray[np.int64]


def lacking(precision: str) -> str | None:
    """Returns why networks cannot be computed in a precision here, in a sentence, or None where they can."""
    if (reason := missing("network")) is not None or precision == "float32":
        return reason
    if precision == "bfloat16" and library("network").network_has_halves():
        return None
    return f"C has no products of {precision} on this processor"


class Network:
    """Layers as a function of an image, whose outputs can be differentiated once.

    In "bfloat16" both factors of each product are rounded to it; sums, and what is between layers, stay float32.
    """

    def __init__(self, layers: Sequence[Layer], outputs: Sequence[int], precision: str = "float32") -> None:
        self.layers = layers
        self.outputs = outputs
        self.halves = int(precision == "bfloat16")
        self._shaped: dict[tuple[int, ...], _Shaped] = {}
        modules = [module for layer in layers for module in (layer.conv, layer.norm) if module is not None]
        self.plain = not any(map(is_parametrized, modules))
        """Whether weights are what they are, and nothing is done to them at each pass."""
        self._fixed = self._weights() if self.plain else None

    def __call__(self, image: Tensor) -> tuple[Tensor, ...]:
        """Returns the outputs (N, C, H, W), float32 with the channels last in memory, for an image (N, C, H, W)."""
        given = image.float().contiguous(memory_format=torch.channels_last)
        weights = self._weights() if self._fixed is None else self._fixed
        shape = tuple(given.shape)
        if shape not in self._shaped:
            self._shaped[shape] = _Shaped(self, shape)
        found: tuple[Tensor, ...] = _Pass.apply(self._shaped[shape], given, *weights)
        return found

    def _weights(self) -> list[Tensor | None]:
        return [weight for layer in self.layers for weight in layer.weights()]


class _Shaped:
    """A network for one shape of images: sizes, where in one piece of memory everything lies, and room to work in."""

    def __init__(self, network: Network, shape: tuple[int, ...]) -> None:
        self.network, self.images = network, shape[0]
        self.layers = (_Layer * len(network.layers))()
        self.floats = 0
        self._sizes: list[Shape] = []
        self.places: list[tuple[int, int]] = []
        """Of each layer's output, and of what is kept from before its norm."""
        image = (shape[2], shape[3], shape[1])
        for entry, layer in zip(self.layers, network.layers, strict=True):
            height, width, channels = image if layer.input == IMAGE else self._sizes[layer.input]
            geometry, (outputs, high, wide) = layer.geometry(channels, height, width)
            for name, value in zip(("kind", "k", "stride", "top", "left", "padding"), geometry, strict=True):
                setattr(entry, name, value)
            entry.input, entry.residual, entry.activation = layer.input, layer.residual, layer.activation
            entry.norm, entry.slope, entry.epsilon = int(layer.norm is not None), layer.slope, ChannelNorm.EPSILON
            entry.in_, entry.out = _Image(height, width, channels), _Image(high, wide, outputs)
            self._sizes.append((high, wide, outputs))
            self.places.append((self._place(layer=-1), self._place(layer=-1) if layer.norm else 0))
        self.offsets = np.array(self.places, np.int64)
        self._words = np.frombuffer(bytes(self.layers), np.int64).reshape(len(self.layers), -1)
        self._c = library("network")
        self._c.network_room.restype = ctypes.c_int64
        count, images = ctypes.c_int64(len(self.layers)), ctypes.c_int64(self.images)
        room = self._c.network_room(self.layers, count, images)
        self._work, self.between = torch.empty(room), torch.empty(self.floats)
        self._memories: list[NDArray[np.float32]] = []
        self._views = [self._view(layer) for layer in network.outputs]

    def described(self, words: Words | None = None) -> tuple[Any, Words]:
        """Returns a copy of the layers, or of what was made of them, and the same memory as words (layers, fields)."""
        copied = (self._words if words is None else words).copy()
        return type(self.layers).from_buffer(copied.data), copied

    @functools.cache  # noqa: B019 - of a few arguments, and as long as the network
    def passing(self, of_image: bool, of_weights: tuple[bool, ...]) -> tuple[Words, Words]:
        """Returns which layers pass a gradient on to their input, and which have one themselves."""
        wanted = {IMAGE: of_image, NOTHING: False}
        for index, layer in enumerate(self.network.layers):
            own = any(of_weights[4 * index : 4 * index + 4])
            wanted[index] = own or wanted[layer.input] or wanted[layer.residual]
        passes = [wanted[layer.input] for layer in self.network.layers]
        return np.array(passes, np.int64), np.array([wanted[i] for i in range(len(passes))], np.int64)

    def memory(self) -> Tensor:
        """Returns memory that no tensor uses any more, or new one, which the system clears page by page."""
        for held in self._memories:
            if sys.getrefcount(held) == UNUSED:
                return torch.from_numpy(held)
        self._memories.append(np.empty(self.floats, np.float32))
        return torch.from_numpy(self._memories[-1])

    def outputs(self, memory: Tensor) -> tuple[Tensor, ...]:
        """Returns the network's outputs, (N, C, H, W), in the memory."""
        return tuple(memory.as_strided(*view) for view in self._views)

    def _place(self, layer: int) -> int:
        place = self.floats
        high, wide, channels = self._sizes[layer]
        self.floats += -(-self.images * high * wide * channels // ALIGNED) * ALIGNED
        return place

    def _view(self, layer: int) -> tuple[tuple[int, ...], tuple[int, ...], int]:
        high, wide, channels = self._sizes[layer]
        strides = (high * wide * channels, 1, wide * channels, channels)
        return (self.images, channels, high, wide), strides, self.places[layer][0]

    def run(self, direction: str, layers: Any, *images: Tensor | None) -> None:
        """Calls into C with layers whose pointers are set, the image and, backward, its gradient."""
        self._c[f"network_{direction}"](
            layers,
            ctypes.c_int64(len(layers)),
            ctypes.c_int64(self.images),
            *(ctypes.c_void_p(None if each is None else each.data_ptr()) for each in images),
            ctypes.c_void_p(self._work.data_ptr()),
            ctypes.c_int64(self.network.halves),
            ctypes.c_int64(torch.get_num_threads()),
        )


class _Pass(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, shaped: _Shaped, image: Tensor, *weights: Tensor | None) -> tuple[Tensor, ...]:
        memory = shaped.memory()
        held = [None if weight is None else weight.contiguous() for weight in weights]
        layers, words = shaped.described()
        words[:, _WEIGHT] = _pointers(held)
        words[:, _OUTPUT] = memory.data_ptr() + 4 * shaped.offsets
        shaped.run("forward", layers, image)
        ctx.shaped, ctx.memory, ctx.words = shaped, memory, words
        ctx.save_for_backward(image, *held)
        ctx.set_materialize_grads(False)
        return shaped.outputs(memory)

    @staticmethod
    def backward(ctx: Any, *given: Tensor | None) -> tuple[Tensor | None, ...]:
        if torch.is_grad_enabled():
            raise RuntimeError("a network computed by C has no second derivative; differentiate its definition")
        shaped, (image, *weights) = ctx.shaped, ctx.saved_tensors
        _, of_image, *of_weights = ctx.needs_input_grad
        layers, words = shaped.described(ctx.words)

        # What comes in, held until C is done.
        held = []
        for layer, gradient in zip(shaped.network.outputs, given, strict=True):
            if gradient is not None:
                held.append(gradient.float().contiguous(memory_format=torch.channels_last))
                words[layer, _AT["given"]] = held[-1].data_ptr()

        # What goes out, and what lies between: layers behind which nothing is wanted have no gradient.
        image_gradient = torch.empty_like(image) if of_image else None
        gradients = [
            torch.empty_like(each) if wanted else None for each, wanted in zip(weights, of_weights, strict=True)
        ]
        words[:, _GRADIENT] = _pointers(gradients)
        passing, own = shaped.passing(of_image, tuple(of_weights))
        words[:, _AT["passes_on"]] = passing
        words[:, _AT["gradient"]] = own * (shaped.between.data_ptr() + 4 * shaped.offsets[:, 0])
        shaped.run("backward", layers, image, image_gradient)
        return (None, image_gradient, *gradients)


def _pointers(tensors: Sequence[Tensor | None]) -> Words:
    """Returns the addresses of each layer's four tensors, 0 for those that there are not."""
    found = [0 if each is None else each.data_ptr() for each in tensors]
    return np.array(found, np.int64).reshape(-1, len(_WEIGHTS))
