"""The layers of a module that C computes, from the module's own forward pass."""

from __future__ import annotations

import functools
import operator
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.nn import functional as F

from ablate.layers.norm import BatchNormOfVectors, ChannelNorm, InstanceNorm
from ablate.layers.padding import ReflectConv2d, SameConv2d, SameConvTranspose2d, average_pool_same, same_padding

CONVOLUTION, TRANSPOSED, POOLING = range(3)
ZERO, REFLECT, REPEAT = range(3)
NONE, RELU, LEAKY = range(3)
IMAGE, NOTHING = -1, -2
"""The numbers of network.c; an index of a layer, or the network's input, or none."""
LEAVES = (ReflectConv2d, SameConv2d, SameConvTranspose2d, ChannelNorm, InstanceNorm, BatchNormOfVectors)


@dataclass
class Layer:
    """A convolution, or pooling, and what follows it at every pixel.

    Attributes:
        module: the convolution; None for average pooling.
        input: the layer that it looks at.
        norm: channel norm behind it.
        activation: behind that.
        slope: of leaky ReLU below 0.
        residual: the layer whose output is added in the end.
    """

    module: nn.Module | None
    input: int
    norm: ChannelNorm | None = None
    activation: int = NONE
    slope: float = 0.0
    residual: int = NOTHING

    @property
    def conv(self) -> nn.Conv2d | nn.ConvTranspose2d | None:
        """The convolution that holds the weights."""
        return None if self.module is None else self.module.conv  # type: ignore[return-value]

    def weights(self) -> list[Tensor | None]:
        """Returns the weights and biases of convolution and norm; None for those that there are not."""
        found: list[Tensor | None] = [None] * 4
        if self.conv is not None:
            found[:2] = self.conv.weight, self.conv.bias
        if self.norm is not None:
            found[2:] = self.norm.weight, self.norm.bias
        return found

    def geometry(self, channels: int, height: int, width: int) -> tuple[list[int], tuple[int, int, int]]:
        """Returns kind, kernel, stride, top, left, padding for an input, and the output's channels and size."""
        if self.conv is None:
            (top, _), (left, _) = (same_padding(n, 3, 2) for n in (height, width))
            return [POOLING, 3, 2, top, left, ZERO], (channels, -(-height // 2), -(-width // 2))
        kernel, stride, outputs = self.conv.kernel_size[0], self.conv.stride[0], self.conv.out_channels
        if isinstance(self.module, SameConvTranspose2d):
            before = (kernel - 2) // 2
            return [TRANSPOSED, kernel, stride, before, before, ZERO], (outputs, 2 * height, 2 * width)
        if isinstance(self.module, ReflectConv2d):
            pad = kernel // 2
            mode = REFLECT if min(height, width) > pad else REPEAT
            size = height + 2 * pad - kernel + 1, width + 2 * pad - kernel + 1
            return [CONVOLUTION, kernel, stride, pad, pad, mode], (outputs, *size)
        (top, _), (left, _) = (same_padding(n, kernel, stride) for n in (height, width))
        return [CONVOLUTION, kernel, stride, top, left, ZERO], (outputs, -(-height // stride), -(-width // stride))


@dataclass
class Plan:
    """What C computes of a module, and what is left.

    Attributes:
        layers: in the order in which they are computed, all from the module's first argument.
        outputs: the nodes of the module's graph that are computed so, with their layer, and that others need.
        taken: the nodes that the layers stand for.
        rest: the nodes that are left, among them the arguments and the output.
    """

    layers: list[Layer] = field(default_factory=list)
    outputs: dict[fx.Node, int] = field(default_factory=dict)
    taken: list[fx.Node] = field(default_factory=list)
    rest: list[fx.Node] = field(default_factory=list)


def planned(module: nn.Module) -> Plan:
    """Returns the plan for a module; it has no layers where C computes none of it.

    Raises:
        ValueError: where the module's forward pass depends on more than its modules.
    """
    try:
        graph = _Tracer(autowrap_functions=(average_pool_same,)).trace(module)
    except Exception as error:  # whatever a foreign forward pass does with a stand-in for its image
        raise ValueError(f"its forward pass cannot be followed: {error}") from error
    return _Planner(module, graph).plan


class _Tracer(fx.Tracer):
    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return isinstance(m, LEAVES) or super().is_leaf_module(m, module_qualified_name)


class _Planner:
    """Goes through a graph once; a node is C's where all that it looks at is."""

    def __init__(self, module: nn.Module, graph: fx.Graph) -> None:
        self._module = module
        self._layer_of: dict[fx.Node, int] = {}
        self.plan = Plan()
        first = next(iter(graph.nodes))
        for node in graph.nodes:
            if node is first:
                self._layer_of[node] = IMAGE
            elif (layer := self._taken(node)) is not None:
                self._layer_of[node] = layer
                self.plan.taken.append(node)
            else:
                self.plan.rest.append(node)
        self.plan.rest.insert(0, first)
        left = set(self.plan.rest)
        self.plan.outputs = {
            node: layer for node, layer in self._layer_of.items() if layer != IMAGE and left & set(node.users)
        }

    def _taken(self, node: fx.Node) -> int | None:
        """Returns the layer that computes a node, None where none does."""
        what: Any = node.target
        if node.op == "call_module":
            what = self._module.get_submodule(str(node.target))
        elif node.op != "call_function":
            return None
        inputs = [each for each in node.args if isinstance(each, fx.Node)]
        if not inputs or any(each not in self._layer_of for each in inputs):
            return None
        if isinstance(what, ReflectConv2d | SameConv2d | SameConvTranspose2d):
            return self._new(what, inputs[0]) if _plain(what.conv) else None
        if what is average_pool_same:
            return self._new(None, inputs[0])
        if isinstance(what, nn.Identity):
            return self._layer_of[inputs[0]] if len(inputs[0].users) == 1 else None
        return self._joined(node, what, inputs)

    def _new(self, module: nn.Module | None, given: fx.Node) -> int:
        self.plan.layers.append(Layer(module, self._layer_of[given]))
        return len(self.plan.layers) - 1

    def _joined(self, node: fx.Node, what: Any, inputs: list[fx.Node]) -> int | None:
        """Returns the layer that a node was joined to, as the next thing that it does with every pixel."""
        *others, last = sorted(inputs, key=self._layer_of.__getitem__)
        number = self._layer_of[last]
        if number == IMAGE or len(last.users) > 1:
            return None
        layer = self.plan.layers[number]
        if layer.module is None or layer.activation != NONE or layer.residual != NOTHING:
            return None
        if isinstance(what, ChannelNorm) and layer.norm is None:
            layer.norm = what
        elif what in (operator.add, torch.add) and len(others) == 1 and not node.kwargs:
            layer.residual = self._layer_of[others[0]]
        elif (activation := _activation(node, what)) is not None:
            layer.activation, layer.slope = activation
        else:
            return None
        return number


def _plain(conv: nn.Conv2d | nn.ConvTranspose2d) -> bool:
    return (
        conv.groups == 1 and all(n == 1 for n in conv.dilation) and len({*conv.kernel_size}) == len({*conv.stride}) == 1
    )


def _activation(node: fx.Node, what: Any) -> tuple[int, float] | None:
    if isinstance(what, nn.ReLU) or what in (F.relu, torch.relu):
        return RELU, 0.0
    if isinstance(what, nn.LeakyReLU):
        return LEAKY, what.negative_slope
    if what is F.leaky_relu:
        slope = node.args[1] if len(node.args) > 1 else node.kwargs.get("negative_slope", 0.01)
        return (LEAKY, slope) if isinstance(slope, float) and slope > 0 else None
    return None


def computed(module: nn.Module, node: fx.Node, known: Mapping[fx.Node, Any]) -> Any:
    """Returns what a node of a module's graph stands for, by definition, where it is known what it looks at."""
    target: Any = node.target
    values: Any = fx.node.map_arg(node.args, known.__getitem__)
    named: Any = fx.node.map_arg(node.kwargs, known.__getitem__)
    if node.op == "call_module":
        return module.get_submodule(target)(*values, **named)
    if node.op == "call_function":
        return target(*values, **named)
    if node.op == "call_method":
        return getattr(values[0], target)(*values[1:], **named)
    return values[0] if node.op == "output" else functools.reduce(getattr, target.split("."), module)
