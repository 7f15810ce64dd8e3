"""The layers of a plan and their gradients, by one call into C each way."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from ablate.kernels.library import library
from ablate.kernels.network.plan import IMAGE, NOTHING, Layer
from ablate.layers.norm import ChannelNorm

Shape = tuple[int, int, int]
"""Height, width and channels."""
ALIGNED = 16


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


class Network:
    """Layers as a function of an image, whose outputs can be differentiated once."""

    def __init__(self, layers: Sequence[Layer], outputs: Sequence[int]) -> None:
        self.layers = layers
        self.outputs = outputs
        self._shaped: dict[tuple[int, ...], _Shaped] = {}

    def __call__(self, image: Tensor) -> tuple[Tensor, ...]:
        """Returns the outputs (N, C, H, W), float32 with the channels last in memory, for an image (N, C, H, W)."""
        given = image.float().contiguous(memory_format=torch.channels_last)
        weights = [weight for layer in self.layers for weight in layer.weights()]
        shape = tuple(given.shape)
        if shape not in self._shaped:
            self._shaped[shape] = _Shaped(self, shape)
        found: tuple[Tensor, ...] = _Pass.apply(self._shaped[shape], given, *weights)
        return found


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
        self._c = library("network")
        self._c.network_room.restype = ctypes.c_int64
        count, images = ctypes.c_int64(len(self.layers)), ctypes.c_int64(self.images)
        room = self._c.network_room(self.layers, count, images)
        self._work, self.between = torch.empty(room), torch.empty(self.floats)

    def _place(self, layer: int) -> int:
        place = self.floats
        high, wide, channels = self._sizes[layer]
        self.floats += -(-self.images * high * wide * channels // ALIGNED) * ALIGNED
        return place

    def output(self, memory: Tensor, layer: int) -> Tensor:
        """Returns a layer's output, (N, C, H, W), in the memory."""
        (high, wide, channels), (place, _) = self._sizes[layer], self.places[layer]
        size = self.images * high * wide * channels
        return memory[place : place + size].view(self.images, high, wide, channels).permute(0, 3, 1, 2)

    def run(self, direction: str, layers: Any, *images: Tensor | None) -> None:
        """Calls into C with layers whose pointers are set, the image and, backward, its gradient."""
        self._c[f"network_{direction}"](
            layers,
            ctypes.c_int64(len(layers)),
            ctypes.c_int64(self.images),
            *(ctypes.c_void_p(None if each is None else each.data_ptr()) for each in images),
            ctypes.c_void_p(self._work.data_ptr()),
            ctypes.c_int64(torch.get_num_threads()),
        )


class _Pass(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, shaped: _Shaped, image: Tensor, *weights: Tensor | None) -> tuple[Tensor, ...]:
        memory = torch.empty(shaped.floats)
        held = [None if weight is None else weight.contiguous() for weight in weights]
        layers = type(shaped.layers).from_buffer_copy(shaped.layers)
        for index, entry in enumerate(layers):
            for name, weight in zip(_WEIGHTS, held[4 * index : 4 * index + 4], strict=True):
                setattr(entry, name, None if weight is None else weight.data_ptr())
            entry.output, entry.raw = (memory.data_ptr() + 4 * place for place in shaped.places[index])
        shaped.run("forward", layers, image)
        ctx.shaped, ctx.memory, ctx.layers = shaped, memory, layers
        ctx.save_for_backward(image, *held)
        ctx.set_materialize_grads(False)
        return tuple(shaped.output(memory, layer) for layer in shaped.network.outputs)

    @staticmethod
    def backward(ctx: Any, *given: Tensor | None) -> tuple[Tensor | None, ...]:
        if torch.is_grad_enabled():
            raise RuntimeError("a network computed by C has no second derivative; differentiate its definition")
        shaped, (image, *weights) = ctx.shaped, ctx.saved_tensors
        _, of_image, *of_weights = ctx.needs_input_grad
        layers = type(ctx.layers).from_buffer_copy(ctx.layers)

        # What comes in, held until C is done.
        held = []
        for layer, gradient in zip(shaped.network.outputs, given, strict=True):
            if gradient is not None:
                held.append(gradient.float().contiguous(memory_format=torch.channels_last))
                layers[layer].given = held[-1].data_ptr()

        # What goes out, and what lies between: layers behind which nothing is wanted have no gradient.
        image_gradient = torch.empty_like(image) if of_image else None
        gradients = [
            torch.zeros_like(each) if wanted else None for each, wanted in zip(weights, of_weights, strict=True)
        ]
        wanted = {IMAGE: of_image, NOTHING: False}
        for index, entry in enumerate(layers):
            for name, each in zip(_GRADIENTS, gradients[4 * index : 4 * index + 4], strict=True):
                setattr(entry, name, None if each is None else each.data_ptr())
            entry.passes_on = wanted[entry.input]
            own = any(of_weights[4 * index : 4 * index + 4])
            wanted[index] = own or wanted[entry.input] or wanted[entry.residual]
            if wanted[index]:
                entry.gradient = shaped.between.data_ptr() + 4 * shaped.places[index][0]
        shaped.run("backward", layers, image, image_gradient)
        return (None, image_gradient, *gradients)
