"""The losses by name: what other programs may rely on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from ablate.losses.catalogue import adversarial_losses, distortions, penalties
from ablate.losses.distortion_loss import Distortion, require_same_shape
from ablate.losses.fast import Kernels, forms
from ablate.losses.measured import looks_at_real
from ablate.losses.multi_scale import MultiScaleLoss, Reduction
from ablate.losses.penalized import Penalty
from ablate.registry import Registry

Option = float | int | bool | str


def adversarial(
    name: str, *, reduction: Reduction = "mean", kernels: Kernels = "eager", **options: Option
) -> MultiScaleLoss:
    """Returns the adversarial loss `name`; `reduction` says how scales are put together.

    With `kernels="auto"` it is computed by the fastest code that agrees with the definition in float64 on the machine
    at hand, found at the first call for a device, type and size: C on a CPU, compiled then, Triton on a GPU. Where
    there is a faster form that cannot be had here, a RuntimeWarning says why. The loss is float32 at least, and can be
    differentiated once.

    Raises:
        ValueError: for a name, an option, a reduction or a choice of kernels that there is not, with the nearest.
    """
    loss, fast = over_all_scales(name, options, reduction), forms(kernels)
    return loss if fast is None else fast.adversarial(name, options, loss)


def over_all_scales(name: str, options: Mapping[str, Option], reduction: Reduction) -> MultiScaleLoss:
    """Returns the adversarial loss `name` with options that may be called as they like; otherwise as `adversarial`."""
    loss, entry = built(adversarial_losses, name, options), adversarial_losses[name]
    # With other options than its defaults, of which the fact tells, a plugin's loss may look at the image's logits.
    sees_real = entry.facts["generator_sees_real"] or (entry.origin is not None and looks_at_real(loss))
    return MultiScaleLoss(loss, reduction, sees_real)


def distortion(name: str, *, kernels: Kernels = "eager", **options: Option) -> Distortion:
    """Returns the distortion `name`: (image, reconstruction), float (N, 3, H, W) in [-1, 1], to a scalar.

    `kernels` is as in `adversarial`; mse, l1, charbonnier and ms_ssim have fast forms.

    Raises:
        ValueError: for a name or an option that there is not; by the distortion itself, for images that do not fit.
    """
    function: Distortion = built(distortions, name, options)
    if (fast := forms(kernels)) is not None:
        function = fast.distortion(name, options, function)

    def checked(image: Tensor, reconstruction: Tensor) -> Tensor:
        require_same_shape(image, reconstruction)
        return function(image, reconstruction)

    return checked


def penalty(name: str, *, kernels: Kernels = "eager", **options: Option) -> Penalty:
    """Returns the penalty `name` on discriminators.

    `kernels` is as in `adversarial`: gp, dragan, r1 and r2 have a fast form of what they make of the discriminators'
    gradient, which itself is autograd's.

    Raises:
        ValueError: for a name or an option that there is not.
    """
    made: Penalty = built(penalties, name, options)
    fast = forms(kernels)
    return made if fast is None else fast.penalty(made)


def built(registry: Registry, name: str, options: Mapping[str, Option]) -> Any:
    """Returns what a registered function makes of options.

    Raises:
        ValueError: for a name or an option that there is not, with the nearest that there is.
    """
    entry = registry[name]
    return entry.function(**entry.resolve(options))
