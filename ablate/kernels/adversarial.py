"""One player's adversarial loss over all scales of patch logits, with its gradient by every logit.

The losses that judge every logit for itself are means of phi(x) = factor f(x) + linear x over each image's logits of
each scale, with one of three functions f: every fast form goes through a table of such terms.
"""

from __future__ import annotations

import ctypes
import functools
import struct
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import softplus

from ablate.kernels import gpu
from ablate.kernels.backend import Backend, Function, Gradients, Unsupported
from ablate.kernels.by_autograd import by_autograd
from ablate.kernels.compiled import compiled
from ablate.kernels.layout import plain, supported
from ablate.kernels.native.library import library, missing
from ablate.losses import adversarial
from ablate.losses.by_name import paired
from ablate.losses.catalogue import adversarial_losses

NOTHING, SQUARE, HINGE, SOFTPLUS = range(4)
"""f(x): 0; (x - a)^2; relu(1 + a x); log(1 + e^(a x)). The numbers are those of adversarial.c."""
PLAYERS = ("discriminator", "generator")


class Form(NamedTuple):
    """What a player's loss is in each logit of an image: factor f(x) + linear x."""

    kind: int
    a: float = 0.0
    factor: float = 1.0
    linear: float = 0.0


Both = tuple[Form | None, Form]
"""Of the image's logits, where the player is judged by them, and of the reconstruction's."""


def _least_squares(a: float, b: float, c: float, factor: float) -> tuple[Both, Both]:
    return (Form(SQUARE, b, factor), Form(SQUARE, a, factor)), (None, Form(SQUARE, c, factor))


def _vanilla(real_target: float) -> tuple[Both, Both]:
    real = Form(SOFTPLUS, -1.0, 1.0, 1 - real_target)
    return (real, Form(SOFTPLUS, 1.0)), (None, Form(SOFTPLUS, -1.0))


FORMS: dict[str, Callable[..., tuple[Both, Both]]] = {
    "vanilla": _vanilla,
    "minimax": lambda: ((Form(SOFTPLUS, -1.0), Form(SOFTPLUS, 1.0)), (None, Form(SOFTPLUS, 1.0, -1.0))),
    "lsgan": lambda fake_target, real_target, generator_target: _least_squares(
        fake_target, real_target, generator_target, 1.0
    ),
    "lsgan_half": lambda: _least_squares(0.0, 1.0, 1.0, 0.5),
    "lsgan_chi2": lambda: _least_squares(-1.0, 1.0, 0.0, 0.5),
    "hinge": lambda: ((Form(HINGE, -1.0), Form(HINGE, 1.0)), (None, Form(NOTHING, linear=-1.0))),
    "wgan": lambda: ((Form(NOTHING, linear=-1.0), Form(NOTHING, linear=1.0)), (None, Form(NOTHING, linear=-1.0))),
}
"""By loss: its options to the forms of discriminator and generator."""


def forms(loss: str, player: str, options: dict[str, Any]) -> Both:
    """Returns what a player's loss is made of.

    Raises:
        Unsupported: for a loss that is not a mean over single logits, or has no fast form.
        ValueError: for a loss, an option or a player that there is not.
    """
    resolved = adversarial_losses[loss].resolve(options)
    if player not in PLAYERS:
        raise ValueError(f"unknown player {player!r} (there is: {', '.join(PLAYERS)})")
    if loss not in FORMS:
        raise Unsupported(f"{loss} has no fast form (there is: {', '.join(FORMS)})")
    return FORMS[loss](**resolved)[PLAYERS.index(player)]


def scale_weights(logits: Sequence[Tensor], reduction: str) -> list[float]:
    """Returns by how much each scale's loss counts, as `losses.by_name.over_scales` has it."""
    if reduction == "sum":
        return [1.0] * len(logits)
    if reduction == "mean":
        return [1 / len(logits)] * len(logits)
    if reduction != "patch_weighted":
        raise ValueError(f"unknown reduction {reduction!r} (there is: mean, sum, patch_weighted)")
    patches = [each.shape[-2] * each.shape[-1] for each in logits]
    return [each / sum(patches) for each in patches]


def eager(*, loss: str = "lsgan", player: str = "discriminator", reduction: str = "mean", **options: float) -> Function:
    """The definition, by autograd; the generator's gradient is the reconstruction's alone."""
    if player not in PLAYERS:
        raise ValueError(f"unknown player {player!r} (there is: {', '.join(PLAYERS)})")
    definition = adversarial(loss, reduction=reduction, **options)  # type: ignore[arg-type]  # it checks the name
    return by_autograd(getattr(definition, player), image=player == "discriminator")


def explicit(
    *, loss: str = "lsgan", player: str = "discriminator", reduction: str = "mean", **options: float
) -> Function:
    """The derivatives written out, in PyTorch."""
    of_image, of_reconstruction = forms(loss, player, options)

    def function(images: Sequence[Tensor], reconstructions: Sequence[Tensor]) -> Gradients:
        check(images, reconstructions, of_image is not None)
        weights = scale_weights(reconstructions, reduction)
        first = [_term(x, of_image, w) for x, w in zip(images, weights, strict=True)] if of_image else []
        second = [_term(x, of_reconstruction, w) for x, w in zip(reconstructions, weights, strict=True)]
        value = functools.reduce(torch.add, (value for value, _ in (*first, *second)))
        return Gradients(value, tuple(g for _, g in first), tuple(g for _, g in second))

    return function


def _term(logits: Tensor, form: Form, weight: float) -> tuple[Tensor, Tensor]:
    """Returns weight times the mean of factor f(x) + linear x, and its gradient."""
    x, scale = logits.detach().float(), weight / logits.numel()
    factor = form.factor * scale
    if form.kind == SQUARE:
        excess = x - form.a
        value, gradient = excess.square().sum() * factor, excess.mul_(2 * factor)
    elif form.kind == HINGE:
        margin = (x * form.a).add_(1).relu_()
        # Not margin > 0: a margin of NaN has the slope that relu gives it.
        value, gradient = margin.sum() * factor, (margin <= 0).logical_not_().to(x.dtype).mul_(form.a * factor)
    elif form.kind == SOFTPLUS:
        z = x * form.a
        value, gradient = softplus(z).sum() * factor, z.sigmoid_().mul_(form.a * factor)
    else:
        value, gradient = x.sum() * (form.linear * scale), torch.full_like(x, form.linear * scale)
    if form.linear and form.kind != NOTHING:
        value, gradient = value + x.sum() * (form.linear * scale), gradient.add_(form.linear * scale)
    return value, gradient.to(logits.dtype)


TERM = "PPqqdddd"
"""Of adversarial.c: logits, gradient, size, form; a, factor, linear, weight."""


def native(
    *, loss: str = "lsgan", player: str = "discriminator", reduction: str = "mean", **options: float
) -> Function:
    """One call into C for all scales."""
    of_image, of_reconstruction = forms(loss, player, options)
    call = library("adversarial").adversarial
    call.argtypes, call.restype = (ctypes.c_char_p, ctypes.c_int64, ctypes.c_void_p), None

    def function(images: Sequence[Tensor], reconstructions: Sequence[Tensor]) -> Gradients:
        check(images, reconstructions, of_image is not None)
        weights = scale_weights(reconstructions, reduction)
        judged = list(zip(reconstructions, [of_reconstruction] * len(weights), weights, strict=True))
        if of_image is not None:
            judged = [*zip(images, [of_image] * len(weights), weights, strict=True), *judged]
        held, gradients, terms = [], [], b""
        for logits, form, weight in judged:
            x = plain(logits)
            gradient = torch.empty_like(x)
            held.append(x)
            gradients.append(gradient)
            terms += struct.pack(
                TERM, x.data_ptr(), gradient.data_ptr(), x.numel(), form.kind, form.a, form.factor, form.linear, weight
            )
        value = torch.empty(())
        call(terms, len(held), value.data_ptr())
        typed = tuple(
            g if g.dtype is x.dtype else g.to(x.dtype) for g, (x, _, _) in zip(gradients, judged, strict=True)
        )
        split = len(weights) if of_image is not None else 0
        return Gradients(value, typed[:split], typed[split:])

    return function


def check(images: Sequence[Tensor], reconstructions: Sequence[Tensor], needs_image: bool) -> None:
    """Refuses logits that do not fit.

    Raises:
        ValueError: for another number of scales or another shape of the two images, and for another type.
    """
    if needs_image or images:
        paired(images, reconstructions)
    supported(*images, *reconstructions)


def in_triton(**options: Any) -> Function:
    """One launch for all scales."""
    from ablate.kernels.gpu.adversarial import on_gpu

    return on_gpu(**options)


BACKENDS = (
    Backend("adversarial", "eager", ("cpu", "cuda"), eager),
    Backend("adversarial", "explicit", ("cpu", "cuda"), explicit),
    compiled("adversarial", explicit),
    Backend("adversarial", "native", ("cpu",), native, lambda _: missing("adversarial")),
    Backend("adversarial", "triton", ("cuda",), in_triton, gpu.missing),
)
