"""One training step of both players."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor

from ablate.codecs.codec import NOTHING, Reconstruction, Side
from ablate.config import Cell
from ablate.discriminators.discriminator import DiscriminatorOutput
from ablate.objective import Objective, Parts
from ablate.rng import stream
from ablate.train.batches import Batches
from ablate.train.discriminator_step import DiscriminatorStepOutput, discriminator_steps
from ablate.train.gradients import weighted_norms
from ablate.train.optimizers import rate_at, set_rate, weights_of
from ablate.train.rate_control import MEMORY, compare, is_due, rate_weight
from ablate.train.shown import Shown, autocast, in_kept, through, with_maps
from ablate.train.state import TrainState
from ablate.train.weighting import adaptive, calibrated


@dataclass(frozen=True)
class StepOutput:
    """A step that was taken: its batch, the generator's terms, and what the discriminators saw where they took part.

    Of several batches these are of the last, but for the loss, which is their mean.
    """

    image: Tensor
    reconstruction: Reconstruction
    parts: Parts
    loss: Tensor
    """The generator's weighted total, detached."""
    discriminator: DiscriminatorStepOutput | None
    gradient_norms: Mapping[str, float]
    """Of each weighted term at the reconstruction; empty where they were not asked for."""

    @property
    def losses(self) -> tuple[Tensor, ...]:
        """The losses that were differentiated: the generator's, and the discriminators' where they took part."""
        return (self.loss,) if self.discriminator is None else (self.loss, self.discriminator.loss)


def training_step(
    state: TrainState, objective: Objective, cell: Cell, batches: Batches, *, norms: bool = False
) -> StepOutput:
    """Steps both players and the averaged weights once.

    Args:
        state: changed in place; its step is counted up.
        objective: of the cell.
        cell: says who steps first, how often and from which step on.
        batches: gives the step's images.
        norms: whether to find the terms' gradient norms, which takes a backward pass for each.
    """
    set_rates(state, cell)
    if is_due(cell, state.step):
        compare(state, cell, batches.images)
    taken = both_players(state, objective, cell, batches, norms=norms)
    state.step += 1
    state.update_average(cell.train.ema_decay)
    return taken


def both_players(
    state: TrainState, objective: Objective, cell: Cell, batches: Batches, *, norms: bool = False
) -> StepOutput:
    """Steps both players at the rates that are set, and neither the averaged weights nor the count; as above."""
    count = cell.train.accumulate
    numbers = range(state.step * count, (state.step + 1) * count)
    adversarial = objective.needs_discriminator and state.step >= cell.train.discriminator_start

    # One batch is sent through the codec once, for both players.
    send = functools.partial(_sent, state, cell, batches)
    seen = [send(number) for number in numbers] if count == 1 else []

    # Discriminators, where they go first; of several batches only one at a time is in memory.
    output = None
    if adversarial and cell.train.order == "discriminator_first":
        output = discriminator_steps(state, objective, cell, batches, seen or _undifferentiated(send, numbers))

    # Generator.
    state.codec_optimizer.zero_grad(set_to_none=True)
    losses = []
    for number in numbers:
        shown = seen[0] if count == 1 else send(number)
        parts = _terms(state, objective, cell, shown, number, adversarial)
        found = weighted_norms(parts, shown.reconstruction.image) if norms and number == numbers[-1] else {}
        total = parts.total
        (total if count == 1 else total / count).backward()
        losses.append(total.detach())
        if count > 1:
            seen.append(shown.detached())
    state.codec_optimizer.step()

    # Discriminators, where they go last: on what the generator made before its step.
    if adversarial and cell.train.order == "generator_first":
        output = discriminator_steps(state, objective, cell, batches, seen)
    loss = losses[0] if count == 1 else torch.stack(losses).mean()
    return StepOutput(seen[-1].image, seen[-1].reconstruction, parts, loss, output, found)


def _sent(state: TrainState, cell: Cell, batches: Batches, number: int) -> Shown:
    """Sends a batch of the adversarial training through the codec."""
    step = cell.train.warmup_steps + number
    image, side = batches(step), batches.side(step) if cell.guided else NOTHING
    with autocast(image, cell.train.precision):
        return through(state.codec, image, stream(cell.seed, "noise", number), side)


@torch.no_grad()
def _undifferentiated(send: Callable[[int], Shown], numbers: Iterable[int]) -> Iterator[Shown]:
    for number in numbers:
        yield send(number)


def _terms(state: TrainState, objective: Objective, cell: Cell, shown: Shown, number: int, adversarial: bool) -> Parts:
    """Returns the generator's terms on a batch, the rate among them where the codec estimates one."""
    image, reconstruction, side = shown
    if adversarial:
        parts = generator_terms(state, objective, image, reconstruction, cell.train.precision, number, side)
    else:
        parts = objective.generator(image=image, reconstruction=in_kept(image, reconstruction.image, side))
    if reconstruction.rate is not None:
        rate = reconstruction.rate.float()
        parts = parts.plus("rate", rate, rate_weight(state.memory.setdefault(MEMORY, {}), cell.loss, rate))
    return parts


def set_rates(state: TrainState, cell: Cell) -> None:
    """Sets both players' learning rates of this step, each counted from the player's first."""
    players = (
        (state.codec_optimizer, cell.optimizers.generator, 0),
        (state.discriminator_optimizer, cell.optimizers.discriminator, cell.train.discriminator_start),
    )
    for optimizer, settings, first in players:
        if optimizer is not None and state.step >= first:
            set_rate(optimizer, rate_at(settings, state.step - first, cell.train.steps - first))


def generator_terms(
    state: TrainState,
    objective: Objective,
    image: Tensor,
    reconstruction: Reconstruction,
    precision: str,
    number: int | None = None,
    side: Side = NOTHING,
) -> Parts:
    """Returns the generator's terms on the forward pass that the discriminator step has seen.

    `number` counts batches, by default one a step. The discriminators are frozen meanwhile, so that the generator's
    backward pass leaves no gradient in them.
    """
    assert state.discriminator is not None
    assert state.discriminator_optimizer is not None
    views = state.views("generator", state.step if number is None else number, image)
    classes = state.discriminator_map_classes
    with autocast(image, precision), frozen(weights_of(state.discriminator_optimizer)):
        fake = state.discriminator(
            with_maps(views.reconstruction(reconstruction.image), side, classes), reconstruction.sent
        )
        real = DiscriminatorOutput((), ())
        if objective.needs_real_features or objective.needs_real_logits:
            with torch.no_grad():
                real = state.discriminator(with_maps(views.image(image), side, classes), reconstruction.sent)
    fake, real = (each._replace(logits=each.logits[: state.trained_scales]) for each in (fake, real))
    parts = objective.generator(
        image=image,
        reconstruction=in_kept(image, reconstruction.image, side),
        real_logits=real.logits,
        fake_logits=fake.logits,
        real_features=real.features if objective.needs_real_features else (),
        fake_features=fake.features,
    )
    if objective.settings.adaptive_weight:
        parts = adaptive(parts, state.codec.last_layer)
    if objective.settings.calibrate == "gradient":
        parts = calibrated(state, objective, parts, reconstruction.image, real=real, fake=fake)
    return parts


def descend(state: TrainState, total: Tensor) -> None:
    """Steps encoder, quantizer and generator down the gradient of `total`."""
    state.codec_optimizer.zero_grad(set_to_none=True)
    total.backward()
    state.codec_optimizer.step()


@contextmanager
def frozen(weights: Sequence[Tensor]) -> Iterator[None]:
    """Keeps gradients out of weights while graphs are built through them."""
    for weight in weights:
        weight.requires_grad_(False)
    try:
        yield
    finally:
        for weight in weights:
            weight.requires_grad_(True)
