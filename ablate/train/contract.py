"""Findings about what a plugin brings: whether losses, distortions, penalties and metrics keep to their contract."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

from ablate.losses import PenaltyInputs
from ablate.losses.catalogue import adversarial_losses, distortions, penalties
from ablate.losses.measured import LOSING
from ablate.metrics.catalogue import metrics
from ablate.plugins.load import origin_of, place_in
from ablate.plugins.source import Source
from ablate.registry import Entry, catalogues
from ablate.rng import stream
from ablate.train.finding import Finding
from ablate.train.metric_contract import inspect_metric

EXTREME = 1e4
"""Logits of a discriminator that has run away."""
SIDE = 8
"""Of the images that a distortion is tried on, unless it asks for larger ones."""
Values = tuple[Tensor, ...]
Named = tuple[str, Finding]


def inspect_plugin(source: Source) -> Iterator[Named]:
    """Tries all losses and image metrics of a plugin that was loaded, each with the options' defaults first.

    What is of another kind is named: it is only known to be there.
    """
    kinds: tuple[tuple[Any, Callable[[Any], Iterator[Finding]]], ...] = (
        (adversarial_losses, _of_defaults(_adversarial)),
        (distortions, _of_defaults(_distortion)),
        (penalties, _of_defaults(_penalty)),
        (metrics, inspect_metric),
    )
    for catalogue, inspect in kinds:
        for name in catalogue.of(origin_of(source)):
            findings = inspect(catalogue[name])
            while True:
                try:
                    finding = next(findings)
                except StopIteration:
                    break
                except Exception as error:  # noqa: BLE001 - whatever it raises is what is told
                    yield name, _raised(error)
                    break
                yield name, finding
    tried = [catalogue for catalogue, _ in kinds]
    for catalogue in catalogues():
        if catalogue not in tried:
            for name in catalogue.of(origin_of(source)):
                yield name, Finding("registered", "ok", f"{catalogue.kind}: only a run can try one")


def _of_defaults(inspect: Callable[[Entry], Iterator[Finding]]) -> Callable[[Entry], Iterator[Finding]]:
    """Returns the check for a loss that can be made of its name alone."""

    def tried(entry: Entry) -> Iterator[Finding]:
        if entry.required:
            found = f"{', '.join(entry.required)}: without a default, so that only a run can try it"
            yield Finding("options", "ok", found)
        else:
            yield from inspect(entry)

    return tried


def _raised(error: Exception) -> Finding:
    place = place_in(error)
    where = f" ({place})" if place and place not in str(error) else ""
    return Finding("runs", "problem", f"{type(error).__name__}: {error}{where}", "a training would end there")


def _adversarial(entry: Entry) -> Iterator[Finding]:
    loss = entry.function()
    pair = {"discriminator": loss.discriminator, "generator": loss.generator}

    # Sizes that discriminators give, and a batch of one patch.
    for shape in ((2, 1, 5, 7), (1, 1, 1, 1)):
        for player in pair.values():
            player(_drawn("real", *shape).float(), _drawn("fake", *shape).float())
    yield Finding("shapes", "ok", "both losses are one number for logits of any size")

    # Where discriminators run away, and where they begin and win.
    yield _finite(pair)
    yield from (_gradcheck(player, name) for name, player in pair.items())
    yield _pull(entry)
    yield from _options(entry, lambda made: _outcomes((made.discriminator, made.generator), (2, 1, 5, 7)))


def _finite(pair: dict[str, Callable[[Tensor, Tensor], Tensor]]) -> Finding:
    for name, player in pair.items():
        for real, fake in ((EXTREME, -EXTREME), (-EXTREME, EXTREME), (EXTREME, EXTREME), (-EXTREME, -EXTREME)):
            logits = [torch.full((2, 1, 3, 3), value).requires_grad_() for value in (real, fake)]
            value = player(*logits)
            found = _gradients(value, logits)
            if not all(torch.isfinite(each).all() for each in (value, *found)):
                what = "value" if not torch.isfinite(value) else "gradient"
                said = f"the {what} of the {name} is not finite at r = {real:g}, f = {fake:g}"
                return Finding("extreme logits", "problem", said, "a stable form, such as softplus, is finite there")
    return Finding("extreme logits", "ok", f"values and gradients are finite at logits of {EXTREME:g}")


def _gradcheck(function: Callable[..., Tensor], name: str) -> Finding:
    """Compares gradients with finite differences in float64."""
    given = [_drawn(part, 2, 1, 2, 3).requires_grad_() for part in ("real", "fake")]
    if not function(*given).requires_grad:
        return Finding("gradients", "warning", f"the {name} has none", "nothing is learned from it")
    try:
        torch.autograd.gradcheck(function, given, eps=1e-6, atol=1e-5, rtol=1e-3)
    except RuntimeError as error:
        said = next(line for line in str(error).splitlines() if line.strip())
        advice = "a value that is detached, rounded or in float32 inside has other gradients than it seems"
        return Finding("gradients", "problem", f"those of the {name} are no finite differences: {said}", advice)
    return Finding("gradients", "ok", f"those of the {name} are finite differences in float64")


def _pull(entry: Entry) -> Finding:
    """Says how hard the generator is pulled where training begins and where the discriminator wins."""
    zero, losing = entry.facts["gradient_at_zero"], entry.facts["gradient_losing"]
    found = f"the generator's gradient per logit is {zero:.3g} at r = f = 0 and {losing:.3g} at r = {LOSING:g} = -f"
    if zero > 0 or losing > 0:
        return Finding("pull", "problem", found, "it lowers its logits, which are higher for images: a sign is wrong")
    if abs(losing) < 1e-3 * max(abs(zero), 1e-12) or zero == 0:
        return Finding("pull", "warning", found, "it learns next to nothing there")
    return Finding("pull", "ok", found)


def _distortion(entry: Entry) -> Iterator[Finding]:
    fact = entry.facts["smallest_side"]
    side = max(SIDE, fact() if callable(fact) else fact)
    function = entry.function()
    image = _drawn("image", 2, 3, side, side + 2).clamp(-1, 1)
    other = _drawn("other", 2, 3, side, side + 2).clamp(-1, 1)
    function(image.float(), other.float())
    yield Finding("shapes", "ok", f"it is one number for images of {side} x {side + 2} pixels")

    # Equal images, where roots have no gradient, and the largest difference that there is.
    for name, pair in (("equal images", (image, image)), ("black and white", (-torch.ones_like(image), 1 + 0 * image))):
        given = pair[1].float().clone().requires_grad_()
        value = function(pair[0].float(), given)
        (gradient,) = _gradients(value, [given])
        if not (torch.isfinite(value) and torch.isfinite(gradient).all()):
            advice = "a root has no gradient at 0: add a little below it"
            yield Finding("extremes", "problem", f"value or gradient is not finite for {name}", advice)
            return
    yield Finding("extremes", "ok", "value and gradient are finite for equal images, and for black and white")
    nearer = float(function(image, image + 0.1 * (other - image)).detach())
    farther = float(function(image, other).detach())
    if not nearer < farther:
        found = f"it is {nearer:.3g} for a near reconstruction and {farther:.3g} for a far one"
        yield Finding("order", "problem", found, "it is minimised, so that nearer must be lower")
    else:
        yield Finding("order", "ok", "a nearer reconstruction has less of it")
    yield _directional(function, image, other)
    yield from _options(entry, lambda made: (made(image, other).detach(),))


def _directional(function: Callable[[Tensor, Tensor], Tensor], image: Tensor, other: Tensor) -> Finding:
    """Compares the gradient along one direction with a finite difference, which takes two calls at any size."""
    given, step = other.clone().requires_grad_(), 1e-6
    direction = _drawn("direction", *other.shape)
    (gradient,) = _gradients(function(image, given), [given])
    ahead, behind = (function(image, other + sign * step * direction).detach() for sign in (1, -1))
    expected, found = float((ahead - behind) / (2 * step)), float((gradient * direction).sum())
    if abs(found - expected) > 1e-3 * max(abs(expected), 1e-6):
        advice = "a value that is detached, rounded or in float32 inside has other gradients than it seems"
        said = f"it is {found:.4g} along a direction, and the finite difference {expected:.4g}"
        return Finding("gradients", "problem", said, advice)
    return Finding("gradients", "ok", "it is the finite difference in float64")


def _penalty(entry: Entry) -> Iterator[Finding]:
    def outcomes(made: Any) -> Values:
        if made.term is None:
            return ()
        kernel = _drawn("kernel", 1, 3, 4, 4)

        def logits(images: Tensor) -> list[Tensor]:
            return [torch.nn.functional.conv2d(images, kernel, stride=4).square()]

        real, fake = (_drawn(name, 2, 3, SIDE, SIDE) for name in ("real", "fake"))
        given = PenaltyInputs(
            image=real,
            reconstruction=fake,
            real=logits(real),
            fake=logits(fake),
            logits=logits,
            stream=stream(0, "doctor.penalty"),
        )
        return tuple(each.detach() for each in made.term(given))

    terms = outcomes(entry.function())
    if any(term.ndim or not torch.isfinite(term) for term in terms):
        found = f"its terms are {', '.join(str(tuple(term.shape)) if term.ndim else f'{term:.3g}' for term in terms)}"
        yield Finding("shapes", "problem", found, "a finite scalar is expected for each scale")
    else:
        yield Finding("shapes", "ok", "its terms are a finite number for each scale")
    yield from _options(entry, outcomes)


def _options(entry: Entry, outcomes: Callable[[Any], Values]) -> Iterator[Finding]:
    """Says of each option whether another value changes the result."""
    before = outcomes(entry.function())
    for name, option in entry.options.items():
        tried = False
        for value in _others(option.default, entry.facts.get("ranges", {}).get(name, ())):
            try:
                after = outcomes(entry.function(**{name: value}))
            except ValueError:
                continue
            tried = True
            if len(after) != len(before) or any(not torch.equal(a, b) for a, b in zip(after, before, strict=True)):
                yield Finding(f"option {name}", "ok", f"{name} = {value!r} changes the result")
                break
        else:
            if not tried:
                yield Finding(f"option {name}", "ok", "was not tried: no other value of it is known to be allowed")
            else:
                advice = "an option that is taken and not used makes two cells of one training"
                yield Finding(f"option {name}", "problem", "no other value that was tried changes the result", advice)


def _others(default: Any, ends: Any) -> tuple[Any, ...]:
    if isinstance(default, bool):
        return (not default,)
    if isinstance(default, int):
        return (*ends, default + 1, max(1, default - 1))
    if isinstance(default, float):
        return (*(end for end in ends if end != default), 2 * default + 0.5, default / 2)
    return ()


def _outcomes(players: tuple[Callable[[Tensor, Tensor], Tensor], ...], shape: tuple[int, ...]) -> Values:
    """Returns the values of both losses and their gradients, in float64."""
    found: list[Tensor] = []
    for player in players:
        logits = [_drawn(name, *shape).requires_grad_() for name in ("real", "fake")]
        value = player(*logits)
        found += [value.detach(), *_gradients(value, logits)]
    return tuple(found)


def _gradients(value: Tensor, given: list[Tensor]) -> tuple[Tensor, ...]:
    if not value.requires_grad:
        return tuple(torch.zeros_like(each) for each in given)
    return torch.autograd.grad(value, given, allow_unused=True, materialize_grads=True)


def _drawn(purpose: str, *shape: int) -> Tensor:
    return torch.randn(shape, generator=stream(0, f"doctor.{purpose}"), dtype=torch.float64)
