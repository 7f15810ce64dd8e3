"""The losses of `ablate.losses` for any program, each by the fastest code that agrees with its definition here.

What computes a loss is found at its first call for a device, type and size, and needs nobody to say anything: it works
without gradients, under autocast, on any memory format, and torch.compile goes around it. Losses are float32 at least,
and can be differentiated once.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ablate.kernels.adversarial.spec import FORMS, PLAYERS
from ablate.kernels.asked import OPERATOR_OF, FastAdversarial, fast_distortion, operation
from ablate.kernels.differentiable import KernelLoss, differentiable
from ablate.kernels.fastest import fastest
from ablate.kernels.gradient_norm.spec import COSTS
from ablate.kernels.layout import TYPES
from ablate.kernels.ms_ssim.spec import Comparison
from ablate.kernels.operators import OPERATORS
from ablate.kernels.similarity import similarity
from ablate.kernels.told import told
from ablate.losses import Memory, MultiScaleLoss, Penalty
from ablate.losses.distortion_loss import Distortion
from ablate.losses.multi_scale import Logits, listed
from ablate.networks.exact import at_least_float32

DEVICES = ("cpu", "cuda")


class Fastest:
    """Finds what computes a loss in place of its definition, once for each device, type and size that pays."""

    def __init__(self, name: str, operator: str, options: dict[str, Any]) -> None:
        self._name, self._operator, self._options = name, operator, options
        self._found: dict[tuple[torch.device, torch.dtype, int], KernelLoss | None] = {}

    def __call__(self, images: Sequence[Tensor], reconstructions: Sequence[Tensor]) -> KernelLoss | None:
        """Returns None for the definition: too small, of another type, or of tensors that do not lie together."""
        tensors = (*images, *reconstructions)
        device, dtype = tensors[0].device, tensors[-1].dtype
        if device.type not in DEVICES or any(t.device != device or t.dtype not in TYPES for t in tensors):
            return None
        size = sum(each.numel() for each in reconstructions or images)
        table = OPERATORS[self._operator].candidates(self._name, device.type)
        key = device, dtype, sum(size >= least for _, least in table)
        if key not in self._found:
            self._found[key] = self._find(str(device), dtype, size)
        return self._found[key]

    def _find(self, device: str, dtype: torch.dtype, size: int) -> KernelLoss | None:
        backend, reasons = fastest(self._name, self._operator, self._options, device, dtype, size)
        told(self._name, backend.name if backend else None, reasons)
        return differentiable(backend.build(**self._options)) if backend else None


def adversarial(name: str, options: Mapping[str, Any], loss: MultiScaleLoss) -> MultiScaleLoss:
    """Returns an adversarial loss by its fast form, where it has one."""
    if name not in FORMS:
        return loss
    given = {"loss": name, "reduction": loss.reduction, **options}
    ask = {player: Fastest(name, "adversarial", {**given, "player": player}) for player in PLAYERS}
    return _Adversarial(loss.loss, loss.reduction, loss.sees_real, ask=ask)


@dataclass(frozen=True)
class _Adversarial(FastAdversarial):
    """Takes logits of any type, anywhere."""

    def discriminator(
        self, real_logits: Logits, fake_logits: Logits, *, memory: Callable[[int], Memory] | None = None
    ) -> Tensor:
        return _aside(functools.partial(super().discriminator, memory=memory), _exact(real_logits), _exact(fake_logits))

    def generator(self, real_logits: Logits, fake_logits: Logits) -> Tensor:
        return _aside(super().generator, _exact(real_logits), _exact(fake_logits))


def distortion(name: str, options: Mapping[str, Any], definition: Distortion) -> Distortion:
    """Returns a distortion by its fast form, where it has one."""
    if name not in OPERATOR_OF:
        return definition

    def at_least(image: Tensor, reconstruction: Tensor) -> Tensor:
        return definition(at_least_float32(image), at_least_float32(reconstruction))

    fast = fast_distortion(at_least, Fastest(name, *operation(name, options)))
    return lambda image, reconstruction: _aside(fast, *map(_taken, (image, reconstruction)))


def penalty(made: Penalty) -> Penalty:
    """Returns a penalty that makes of the discriminators' gradient by fast code what it does, where there is some."""
    of = made.of_gradient
    cost = next((name for name, cost in COSTS.items() if of and of.cost is cost and of.norm == "sample"), None)
    if of is None or cost is None:
        return made
    ask, by_definition = Fastest("gradient_norm", "gradient_norm", {"cost": cost}), of.reduced

    def reduced(gradient: Tensor) -> Tensor:
        fast = ask([gradient], [])
        return by_definition(gradient) if fast is None else fast(image=[gradient], reconstruction=[])

    return of.by(lambda gradient: _aside(reduced, at_least_float32(gradient)))


def image_similarity(x: Tensor, y: Tensor, data_range: float, **how: Any) -> Tensor | None:
    """Returns each image's similarity (N,) of images in [0, data_range], or None where only the definition has it.

    `how` has the attributes of `Comparison`.
    """
    comparison = Comparison(**how, shift=data_range)
    return _aside(similarity, x, y, comparison, data_range)


def _exact(logits: Logits) -> Sequence[Tensor]:
    return [at_least_float32(each) for each in listed(logits)]


def _taken(tensor: Tensor) -> Tensor:
    """Returns a tensor of a type that fast forms take, where there is one that holds its values."""
    return tensor.float() if tensor.dtype is torch.float16 else tensor


def _aside(function: Callable[..., Any], *given: Any) -> Any:
    """Calls a function; torch.compile breaks its graph here, and goes on behind it."""
    if torch.compiler.is_compiling():
        return torch.compiler.disable(function)(*given)
    return function(*given)
