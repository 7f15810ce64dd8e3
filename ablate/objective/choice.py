"""The backends that a training computes its losses with: the fastest that have proven themselves equal on its device.

The choice is a function of device, loss and size, never of a clock: every cell of a grid, and a training that goes on
after an interruption, has the same on the same machine.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, nn

from ablate.kernels import Backend, KernelLoss, differentiable
from ablate.kernels.fastest import fastest
from ablate.kernels.layout import TYPES
from ablate.kernels.network import FastForward, disagreement, lacking, planned
from ablate.records.declared import Kernels


@dataclass
class Choice:
    """Chooses backends for one training.

    Attributes:
        kernels: "eager" takes the definitions alone.
        device: the training's.
        previous: the backends of an earlier attempt at the same training, by role; taken again where they can be had.
        log: called with each choice that is made, as role and sentence.
        selected: the choices so far, role to backend.
    """

    kernels: Kernels
    device: str
    previous: Mapping[str, str] = field(default_factory=dict)
    log: Callable[[str, str], None] = lambda _role, _text: None
    selected: dict[str, str] = field(default_factory=dict)

    def loss(
        self, role: str, name: str, operator: str, options: dict[str, Any], tensors: Sequence[Tensor]
    ) -> KernelLoss | None:
        """Returns a loss to be used in place of the definition, or None where that is to be used.

        Args:
            role: what the loss is for in the training; a role keeps its backend.
            name: of the loss, by which or by whose own name the operator knows when a backend pays.
            operator: what computes it.
            options: of the operator.
            tensors: of one image, as the loss will get them.
        """
        backend, reason = self._chosen(name, operator, options, tensors, self.previous.get(role))
        self.selected[role] = backend.name if backend else "eager"
        self.log(role, f"{role}: {self.selected[role]}" + (f" ({reason})" if reason else ""))
        return differentiable(backend.build(**options)) if backend else None

    def network(self, role: str, module: nn.Module, precision: str) -> FastForward | None:
        """Returns what computes a module's forward pass in place of its definition, or None where that is to.

        Args:
            role: what the module is in the training, as in `loss`.
            module: with its weights, on the training's device.
            precision: of the training.
        """
        fast, reason = self._network(module, precision, self.previous.get(role, "eager" if self.previous else None))
        self.selected[role] = "native" if fast else "eager"
        self.log(role, f"{role}: {self.selected[role]}" + (f" ({reason})" if reason else ""))
        return fast

    def _network(self, module: nn.Module, precision: str, previous: str | None) -> tuple[FastForward | None, str]:
        if self.kernels == "eager" or previous == "eager":
            return None, "" if previous is None else "as before"
        plan, reason = None, lacking(precision)
        if self.device.partition(":")[0] != "cpu":
            reason = f"there is nothing faster in {precision} on {self.device}"
        if reason is None:
            try:
                plan = planned(module)
                reason = disagreement(module, precision=precision) if plan.layers else "it has no layer that C computes"
            except ValueError as error:
                reason = str(error)
        if plan is not None and reason is None:
            return FastForward(module, plan, precision), ""
        missed = "" if previous is None else f"; not {previous} as before: results may differ by rounding"
        return None, f"{reason}{missed}"

    def _chosen(
        self, name: str, operator: str, options: dict[str, Any], tensors: Sequence[Tensor], previous: str | None
    ) -> tuple[Backend | None, str]:
        """Returns the backend, None for the definition, and what there is to say of it."""
        if self.kernels == "eager" or previous == "eager":
            return None, "" if previous is None else "as before"
        dtype, size = tensors[0].dtype, sum(each.numel() for each in tensors)
        if dtype not in TYPES:
            return None, f"there is nothing faster in {dtype}"
        backend, reasons = fastest(name, operator, options, self.device, dtype, size, previous)
        if backend is not None:
            return backend, "; ".join(reasons)
        if previous is not None:
            reasons.append(f"not {previous} as before: results may differ by rounding")
        return None, "; ".join(reasons)
