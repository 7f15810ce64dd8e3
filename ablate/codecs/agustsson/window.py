"""The part of its input that a part of a network's output depends on, so that large images can be done in tiles."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from torch import Tensor, nn

from ablate.codecs.agustsson.generator import Residual
from ablate.layers.norm import BatchNormOfVectors, ChannelNorm, InstanceNorm
from ablate.layers.padding import ReflectConv2d, SameConv2d, SameConvTranspose2d

_POINTWISE = (nn.ReLU, nn.Tanh, nn.Identity, nn.BatchNorm2d, ChannelNorm, BatchNormOfVectors)
"""Layers that treat each position by itself: batch norm as it uses running statistics, or has a batch of one."""


@dataclass(frozen=True)
class Span:
    """Positions `start` to `stop` - 1 along one side."""

    start: int
    stop: int

    def within(self, size: int) -> Span:
        """Returns the part that lies in 0 to `size`: what lies outside is padding, which the layers add themselves."""
        return Span(max(self.start, 0), min(self.stop, size))

    def aligned(self, multiple: int) -> Span:
        """Returns the smallest span around this one that begins and ends at multiples."""
        return Span(self.start // multiple * multiple, -(-self.stop // multiple) * multiple)

    @property
    def slice(self) -> slice:
        """The span as an index."""
        return slice(self.start, self.stop)


def needed(layer: nn.Module, span: Span) -> Span:
    """Returns the input positions that the output positions `span` of a layer, or of layers in a row, depend on.

    Positions beyond the border stand for padding. Sizes must be multiples of the strides, as everywhere in the codec.

    Raises:
        TypeError: for a layer whose output depends on its whole input, or that is not known here.
    """
    match layer:
        case Residual():
            return needed(layer.body, span)
        case nn.Sequential():
            for each in reversed(layer):
                span = needed(each, span)
            return span
        case ReflectConv2d() | SameConv2d() | nn.Conv2d():
            return _before_convolution(layer, span)
        case SameConvTranspose2d():
            kernel = layer.conv.kernel_size[0]
            cropped = (kernel - 2) // 2
            return Span(-((kernel - 1 - cropped - span.start) // 2), (span.stop - 1 + cropped) // 2 + 1)
        case _ if isinstance(layer, _POINTWISE):
            return span
        case _:
            raise TypeError(f"{type(layer).__name__} has no window")


def _before_convolution(layer: ReflectConv2d | SameConv2d | nn.Conv2d, span: Span) -> Span:
    convolution = layer if isinstance(layer, nn.Conv2d) else layer.conv
    kernel, stride = convolution.kernel_size[0], convolution.stride[0]
    padded = max(kernel - stride, 0) // 2
    return Span(span.start * stride - padded, (span.stop - 1) * stride - padded + kernel)


def is_local(layers: nn.Module) -> bool:
    """Says whether every output depends on a window of the input, which instance norm's does not."""
    return not any(isinstance(layer, InstanceNorm) for layer in layers.modules())


Box = tuple[Span, Span]
"""A rectangle: rows and columns."""


@dataclass(frozen=True)
class Tile:
    """A part of an output: where it lies, the window of the input it is computed from, and where it is in the result.

    What surrounds it in the result is spoiled by padding at edges that the whole does not have.
    """

    output: Box
    window: Box
    kept: Box

    def of(self, whole: Tensor) -> Tensor:
        """Returns the window of an input (..., H, W)."""
        rows, columns = self.window
        return whole[..., rows.slice, columns.slice]

    def keep(self, result: Tensor) -> Tensor:
        """Returns the part of the window's result (..., h, w) that belongs to the tile."""
        rows, columns = self.kept
        return result[..., rows.slice, columns.slice]

    def put(self, result: Tensor, whole: Tensor) -> None:
        """Puts the part of the window's result into the whole output."""
        rows, columns = self.output
        whole[..., rows.slice, columns.slice] = self.keep(result)


def tile(layers: nn.Module, output: Box, input_size: Sequence[int], output_size: Sequence[int]) -> Tile:
    """Returns the tile at `output` of layers that map images of one size to another, a whole factor apart."""
    window, kept = [], []
    for span, before, after in zip(output, input_size, output_size, strict=True):
        inside = needed(layers, span).within(before).aligned(max(before // after, 1))
        first = inside.start * after // before
        window.append(inside)
        kept.append(Span(span.start - first, span.stop - first))
    return Tile(output, (window[0], window[1]), (kept[0], kept[1]))


def tiles(layers: nn.Module, input_size: Sequence[int], output_size: Sequence[int], side: int) -> Iterator[Tile]:
    """Yields tiles of at most `side` x `side` positions that make up the output, row by row."""
    rows, columns = ([Span(start, min(start + side, size)) for start in range(0, size, side)] for size in output_size)
    for output in itertools.product(rows, columns):
        yield tile(layers, output, input_size, output_size)
