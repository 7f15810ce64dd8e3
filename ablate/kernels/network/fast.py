"""A module's forward pass with the layers that C has computed there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from torch import Tensor, fx, nn

from ablate.kernels.network.native import Network
from ablate.kernels.network.plan import Plan, computed


class FastForward:
    """What a module's `forward` returns, for the same arguments; it can be differentiated once."""

    def __init__(self, module: nn.Module, plan: Plan) -> None:
        self._module, self._plan = module, plan
        self._network = Network(plan.layers, list(plan.outputs.values()))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Computes C's layers, then what is left as the module would."""
        return self._rest(self._network(args[0]), args, kwargs)

    def _rest(self, outputs: Sequence[Tensor], args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
        known: dict[fx.Node, Any] = dict(zip(self._plan.outputs, outputs, strict=True))
        given = iter(args)
        for node in self._plan.rest:
            if node.op == "placeholder":
                default = node.args[0] if node.args else None
                known[node] = next(given, kwargs.get(str(node.target), default))
            else:
                known[node] = computed(self._module, node, known)
        return known[self._plan.rest[-1]]


@contextmanager
def in_place_of(module: nn.Module, fast: FastForward) -> Iterator[None]:
    """Lets a module compute its forward pass so, as long as the block lasts."""
    module.forward = fast
    try:
        yield
    finally:
        del module.forward


@contextmanager
def by_definition(module: nn.Module) -> Iterator[None]:
    """Lets a module compute its forward pass by its definition again: for gradients that are differentiated."""
    fast = module.__dict__.pop("forward", None)
    try:
        yield
    finally:
        if fast is not None:
            module.forward = fast
