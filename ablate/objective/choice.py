"""The backends that a training computes its losses with: the fastest that have proven themselves equal on its device.

The choice is a function of device, loss and size, never of a clock: every cell of a grid, and a training that goes on
after an interruption, has the same on the same machine.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, nn

from ablate.codecs.agustsson.quantizer import Quantizer
from ablate.kernels import Backend, KernelLoss, differentiable
from ablate.kernels.fastest import fastest
from ablate.kernels.layout import TYPES
from ablate.kernels.network import FastForward, disagreement, lacking, planned
from ablate.kernels.quantizer import FastQuantizer
from ablate.kernels.quantizer import disagreement as quantizer_disagreement
from ablate.kernels.quantizer import lacking as lacking_quantizer
from ablate.records.declared import Kernels

Fast = FastForward | FastQuantizer
"""What computes a module's forward pass."""


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

    def module(self, role: str, module: nn.Module, precision: str) -> Fast | None:
        """Returns what computes a module's forward pass in place of its definition, or None where that is to.

        Args:
            role: what the module is in the training, as in `loss`.
            module: with its weights, on the training's device.
            precision: of the training.
        """
        fast, reason = self._proven(module, precision, self.previous.get(role, "eager" if self.previous else None))
        self.selected[role] = "native" if fast else "eager"
        self.log(role, f"{role}: {self.selected[role]}" + (f" ({reason})" if reason else ""))
        return fast

    def _proven(self, module: nn.Module, precision: str, previous: str | None) -> tuple[Fast | None, str]:
        if self.kernels == "eager" or previous == "eager":
            return None, "" if previous is None else "as before"
        if self.device.partition(":")[0] != "cpu":
            found: Fast | str = f"there is nothing faster in {precision} on {self.device}"
        elif isinstance(module, Quantizer):
            found = lacking_quantizer(module) or quantizer_disagreement(module) or FastQuantizer(module)
        else:
            found = lacking(precision) or _network(module, precision)
        if not isinstance(found, str):
            return found, ""
        missed = "" if previous is None else f"; not {previous} as before: results may differ by rounding"
        return None, f"{found}{missed}"

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


def _network(module: nn.Module, precision: str) -> FastForward | str:
    """Returns a module's forward pass with layers in C, or in a sentence why there is none."""
    try:
        plan = planned(module)
    except ValueError as error:
        return str(error)
    if not plan.layers:
        return "it has no layer that C computes"
    return disagreement(module, precision=precision) or FastForward(module, plan, precision)
