"""The work that eager does: the kernels it launches, the bytes they read and write, the products they make."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry


class Traffic(NamedTuple):
    """Logical bytes read and written, operations that would each be a launch or more, and the flops of products."""

    bytes: int
    launches: int
    flops: int


class _Counting(TorchDispatchMode):
    """Counts every operation below autograd, those of the backward pass too; a view moves nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.bytes = 0
        self.launches = 0
        self.flops = 0

    def __torch_dispatch__(
        self, function: Any, _types: Any, arguments: Sequence[Any] = (), options: Mapping[str, Any] | None = None
    ) -> Any:
        result = function(*arguments, **(options or {}))
        packet = function.overloadpacket
        if not function.is_view and packet.__name__ != "_unsafe_view":
            self.launches += 1
            self.bytes += _bytes((arguments, options)) + _bytes(result)
        if (flops := flop_registry.get(packet)) is not None:
            self.flops += flops(*arguments, **(options or {}), out_val=result)
        return result


def traffic(call: Callable[[], object]) -> Traffic:
    """Counts the work of a call of eager code."""
    counting = _Counting()
    with counting:
        call()
    return Traffic(counting.bytes, counting.launches, counting.flops)


def _bytes(tree: Any) -> int:
    """Returns the bytes of all tensors; an expanded one is read once."""
    return sum(_stored(leaf) * leaf.itemsize for leaf in tree_leaves(tree) if isinstance(leaf, Tensor))


def _stored(tensor: Tensor) -> int:
    strided = zip(tensor.shape, tensor.stride(), strict=True)
    return math.prod(size for size, stride in strided if stride) if tensor.numel() else 0
