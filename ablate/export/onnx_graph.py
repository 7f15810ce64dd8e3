"""A graph of ONNX that is written down node by node, from the layers of a codec's networks.

Written and not traced, so that sides stay variables: padding decides by the size at hand, as `ablate.layers.padding`
does, and a graph takes an image of one pixel as it takes one of twenty million.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from torch import nn

from ablate.codecs.agustsson.generator import ResidualBlock
from ablate.layers.norm import BatchNormOfVectors, ChannelNorm, InstanceNorm
from ablate.layers.padding import ReflectConv2d, SameConv2d, SameConvTranspose2d

if TYPE_CHECKING:
    import numpy as np
    import onnx
    from torch import Tensor

OPSET = 18


class Graph:
    """Nodes and constants so far; every method adds some and returns the name of what they give."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def add(self, operator: str, *inputs: str, **attributes: Any) -> str:
        """Adds a node with one output."""
        from onnx import helper

        name = f"{operator.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, list(inputs), [name], **attributes))
        return name

    def constant(self, value: np.ndarray | Tensor | Sequence[int] | int) -> str:
        """Adds an array; whole numbers become int64."""
        import numpy as np
        from onnx import numpy_helper
        from torch import Tensor

        array = value.detach().cpu().numpy() if isinstance(value, Tensor) else np.asarray(value)
        name = f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def side(self, x: str, axis: int) -> str:
        """Returns the length of an axis, int64 of shape (1,)."""
        return self.add("Shape", x, start=axis, end=axis + 1)

    def model(self, inputs: Iterable[onnx.ValueInfoProto], result: str, output: onnx.ValueInfoProto) -> onnx.ModelProto:
        """Returns the checked model whose output is `result` under another name."""
        import onnx
        from onnx import helper

        self.nodes.append(helper.make_node("Identity", [result], [output.name]))
        graph = helper.make_graph(self.nodes, "ablate", list(inputs), [output], self.constants)
        made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="ablate")
        made.ir_version = min(made.ir_version, 10)  # what runtimes of 2024 on read
        onnx.checker.check_model(made, full_check=True)
        return made

    def normalise(self, x: str, axes: Sequence[int], weight: Tensor, bias: Tensor, epsilon: float) -> str:
        """Takes the mean off and divides by the standard deviation over axes, then scales and shifts each channel."""
        over = self.constant(axes)
        centred = self.add("Sub", x, self.add("ReduceMean", x, over))
        variance = self.add("ReduceMean", self.add("Mul", centred, centred), over)
        deviation = self.add("Sqrt", self.add("Add", variance, self.constant(weight.new_tensor(epsilon))))
        scaled = self.add("Mul", self.add("Div", centred, deviation), self.constant(weight[:, None, None]))
        return self.add("Add", scaled, self.constant(bias[:, None, None]))

    def pad_reflect(self, x: str, pad: int) -> str:
        """Pads four sides by reflection, or by repeating the edge where a side is too short."""
        from onnx import TensorProto, helper

        if not pad:
            return x
        pads = self.constant([0, 0, pad, pad, 0, 0, pad, pad])
        shortest = self.add("ReduceMin", self.add("Shape", x, start=2), keepdims=0)
        reflects = self.add("Greater", shortest, self.constant(pad))
        branches = {}
        for branch, mode in (("then_branch", "reflect"), ("else_branch", "edge")):
            name = f"{branch}_{len(self.nodes)}"
            node = helper.make_node("Pad", [x, pads], [name], mode=mode)
            told = helper.make_tensor_value_info(name, TensorProto.FLOAT, None)
            branches[branch] = helper.make_graph([node], branch, [], [told])
        return self.add("If", reflects, **branches)

    def pad_to_multiple(self, image: str, multiple: int) -> str:
        """Pads an image at the bottom and right by reflection, again and again where it is short."""
        for axis in (2, 3):
            size = self.side(image, axis)
            rest = self.add("Sub", size, self.constant([1]))
            period = self.add("Max", self.add("Add", rest, rest), self.constant([1]))
            blocks = self.add("Div", self.add("Add", size, self.constant([multiple - 1])), self.constant([multiple]))
            padded = self.add("Mul", blocks, self.constant([multiple]))
            scalar = self.add("Squeeze", padded, self.constant([0]))
            place = self.add("Mod", self.add("Range", self.constant(0), scalar, self.constant(1)), period)
            inside = self.add("Less", place, size)
            image = self.add(
                "Gather", image, self.add("Where", inside, place, self.add("Sub", period, place)), axis=axis
            )
        return image


@functools.singledispatch
def layer(module: nn.Module, graph: Graph, x: str) -> str:  # noqa: ARG001 - those of all layers
    """Adds a layer to a graph; returns the name of its output.

    Raises:
        ValueError: for a layer that is not known here.
    """
    raise ValueError(f"{type(module).__name__} cannot be written as ONNX yet")


@layer.register
def _(module: nn.Sequential, graph: Graph, x: str) -> str:
    return functools.reduce(lambda name, each: layer(each, graph, name), module, x)


@layer.register
def _(module: ResidualBlock, graph: Graph, x: str) -> str:
    return graph.add("Add", x, layer(module.body, graph, x))


@layer.register
def _(module: nn.Conv2d, graph: Graph, x: str) -> str:
    return graph.add("Conv", x, *_weights(module, graph), strides=list(module.stride), kernel_shape=_kernel(module))


@layer.register
def _(module: ReflectConv2d, graph: Graph, x: str) -> str:
    return layer(module.conv, graph, graph.pad_reflect(x, module.conv.kernel_size[0] // 2))


@layer.register
def _(module: SameConv2d, graph: Graph, x: str) -> str:
    conv = module.conv
    # TensorFlow's SAME, whose odd row stands behind.
    return graph.add(
        "Conv", x, *_weights(conv, graph), strides=list(conv.stride), kernel_shape=_kernel(conv), auto_pad="SAME_UPPER"
    )


@layer.register
def _(module: SameConvTranspose2d, graph: Graph, x: str) -> str:
    conv, kernel = module.conv, module.conv.kernel_size[0]
    before = (kernel - 2) // 2
    after = kernel - 2 - before
    pads = [before, before, after, after]
    return graph.add("ConvTranspose", x, *_weights(conv, graph), strides=[2, 2], kernel_shape=_kernel(conv), pads=pads)


@layer.register
def _(module: InstanceNorm, graph: Graph, x: str) -> str:
    # Not ONNX's InstanceNormalization, which onnxruntime rounds by 1e-3 where the pixels of a channel hardly differ.
    return graph.normalise(x, [2, 3], module.weight, module.bias, 1e-6)


@layer.register
def _(module: ChannelNorm, graph: Graph, x: str) -> str:
    weights = graph.constant(module.weight), graph.constant(module.bias)
    last = graph.add("Transpose", x, perm=[0, 2, 3, 1])
    normal = graph.add("LayerNormalization", last, *weights, axis=-1, epsilon=module.EPSILON)
    return graph.add("Transpose", normal, perm=[0, 3, 1, 2])


@layer.register
def _(module: nn.BatchNorm2d, graph: Graph, x: str) -> str:
    known = module.weight, module.bias, module.running_mean, module.running_var
    names = [graph.constant(each) for each in known if each is not None]
    return graph.add("BatchNormalization", x, *names, epsilon=module.eps)


@layer.register
def _(module: BatchNormOfVectors, graph: Graph, x: str) -> str:
    return graph.normalise(x, [0], module.weight, module.bias, 1e-3)


@layer.register
def _(_module: nn.ReLU, graph: Graph, x: str) -> str:
    return graph.add("Relu", x)


@layer.register
def _(_module: nn.Tanh, graph: Graph, x: str) -> str:
    return graph.add("Tanh", x)


@layer.register
def _(_module: nn.Identity, _graph: Graph, x: str) -> str:
    return x


def _weights(conv: nn.Conv2d | nn.ConvTranspose2d, graph: Graph) -> tuple[str, ...]:
    return tuple(graph.constant(each) for each in (conv.weight, conv.bias) if each is not None)


def _kernel(conv: nn.Conv2d | nn.ConvTranspose2d) -> list[int]:
    return [int(side) for side in conv.kernel_size]
