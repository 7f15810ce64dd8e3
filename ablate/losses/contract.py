"""What losses of plugins must return: a scalar, or what makes one."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import torch

from ablate.losses.adversarial_loss import AdversarialLoss
from ablate.losses.measured import is_relative
from ablate.losses.penalized import Penalty
from ablate.plugins.checked import broken

Function = Callable[..., Any]


def adversarial_loss(made: Any, of: Function) -> AdversarialLoss:
    """Returns the loss that a function of a plugin made; a pair of functions becomes one.

    Raises:
        PluginError: for anything else.
    """
    if isinstance(made, AdversarialLoss):
        return made
    if not (isinstance(made, tuple) and len(made) == 2 and all(map(callable, made))):
        raise broken(of, "returned", made, "two functions, of the discriminator and the generator, are expected")
    discriminator, generator = (_scalar(each, "the loss") for each in made)
    return AdversarialLoss(discriminator, generator, relative=is_relative(discriminator, generator))


def distortion(made: Any, of: Function) -> Function:
    """Returns the distortion that a function of a plugin made; raises as `adversarial_loss`."""
    if not callable(made):
        raise broken(of, "returned", made, "a function of image and reconstruction is expected")
    return _scalar(made, "the distortion")


def penalty(made: Any, of: Function) -> Penalty:
    """Returns the penalty that a function of a plugin made; raises as `adversarial_loss`."""
    if not isinstance(made, Penalty):
        raise broken(of, "returned", made, "an ablate.losses.Penalty is expected")
    return made


def _scalar(made: Function, what: str) -> Function:
    @functools.wraps(made, assigned=("__doc__",))
    def checked(*tensors: Any) -> Any:
        value = made(*tensors)
        if not isinstance(value, torch.Tensor) or value.ndim or not value.is_floating_point():
            raise broken(made, f"returned as {what}", value, "a tensor of one number is expected, as .mean() gives it")
        return value

    return checked
