"""What stands in for a CUDA graph on a CPU: operations recorded one by one, and run again on the same tensors.

Like a graph it knows nothing of Python: a number that was put into an operation stays what it was, a tensor is read
where it lies, and a result is written over the earlier one. Reading a value while recording is an error, as on a GPU.
Other than a graph, the recording does the work once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

Result = TypeVar("Result")
READS = ("_local_scalar_dense", "nonzero", "_unique2", "unique_dim", "masked_select")


class _Recording(TorchDispatchMode):
    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[Any, Any, Any, list[Tensor]]] = []

    def __torch_dispatch__(self, function: Any, _types: Any, arguments: Any = (), options: Any = None) -> Any:
        if function.overloadpacket.__name__ in READS:
            raise RuntimeError(f"{function} waits for the device while a step is captured")
        result = function(*arguments, **(options or {}))
        read = {id(leaf) for leaf in tree_leaves((arguments, options)) if isinstance(leaf, Tensor)}
        written = [leaf for leaf in tree_leaves(result) if isinstance(leaf, Tensor)]
        fresh = [leaf for leaf in written if id(leaf) not in read and not function.is_view]
        self.calls.append((function, arguments, options or {}, fresh))
        return result


def recorded(function: Callable[[], Result]) -> tuple[Callable[[], object], Result]:
    """Runs a function and returns what repeats its operations, with its result; see `graphed.Capture`."""
    recording = _Recording()
    with recording:
        result = function()
    first = [True]

    def replay() -> None:
        if first:
            first.clear()  # a graph is captured without being run, and this was
            return
        with torch.no_grad():
            for operation, arguments, options, fresh in recording.calls:
                found = operation(*arguments, **options)
                if fresh:
                    again = [leaf for leaf in tree_leaves(found) if isinstance(leaf, Tensor)]
                    for old, new in zip(fresh, again, strict=True):
                        old.copy_(new)

    return replay, result
