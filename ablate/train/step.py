"""One training step of both players."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from ablate.codecs.codec import Reconstruction
from ablate.config import Cell
from ablate.discriminators.discriminator import DiscriminatorOutput
from ablate.kernels.network import by_definition
from ablate.losses import Memory, PenaltyInputs
from ablate.objective import Objective, Parts
from ablate.rng import stream
from ablate.train.augmenter import View
from ablate.train.batches import Batches
from ablate.train.gradients import weighted_norms
from ablate.train.optimizers import rate_at, set_rate
from ablate.train.state import TrainState
from ablate.train.weighting import adaptive, calibrated


class Shown(NamedTuple):
    """A batch: images, and what the codec makes of them."""

    image: Tensor
    reconstruction: Reconstruction

    def detached(self) -> Shown:
        """Returns the batch without what its gradients hang on."""
        image, symbols = self.reconstruction.image.detach(), self.reconstruction.symbols
        return Shown(self.image, Reconstruction(image, symbols))


@dataclass(frozen=True)
class DiscriminatorStepOutput:
    """Loss of the discriminators' step and, per scale, their logits on image and reconstruction; detached.

    Of several batches it is the mean of their losses, and the logits are of the last.
    """

    loss: Tensor
    real: tuple[Tensor, ...]
    fake: tuple[Tensor, ...]


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
    count = cell.train.accumulate
    numbers = range(state.step * count, (state.step + 1) * count)
    adversarial = objective.needs_discriminator and state.step >= cell.train.discriminator_start
    set_rates(state, cell)

    # One batch is sent through the codec once, for both players.
    sent = functools.partial(_sent, state, cell, batches)
    seen = [sent(number) for number in numbers] if count == 1 else []

    # Discriminators, where they go first; of several batches only one at a time is in memory.
    output = None
    if adversarial and cell.train.order == "discriminator_first":
        output = discriminator_steps(state, objective, cell, batches, seen or _undifferentiated(sent, numbers))

    # Generator.
    state.codec_optimizer.zero_grad(set_to_none=True)
    losses = []
    for number in numbers:
        shown = seen[0] if count == 1 else sent(number)
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
    state.step += 1
    state.update_average(cell.train.ema_decay)
    loss = losses[0] if count == 1 else torch.stack(losses).mean()
    return StepOutput(*seen[-1], parts, loss, output, found)


def _sent(state: TrainState, cell: Cell, batches: Batches, number: int) -> Shown:
    """Sends a batch of the adversarial training through the codec."""
    image = batches(cell.train.warmup_steps + number)
    with autocast(image, cell.train.precision):
        return Shown(image, state.codec(image, stream(cell.seed, "noise", number)))


@torch.no_grad()
def _undifferentiated(sent: Callable[[int], Shown], numbers: Iterable[int]) -> Iterator[Shown]:
    for number in numbers:
        yield sent(number)


def _terms(state: TrainState, objective: Objective, cell: Cell, shown: Shown, number: int, adversarial: bool) -> Parts:
    """Returns the generator's terms on a batch, the rate among them where the codec estimates one."""
    image, reconstruction = shown
    if adversarial:
        parts = generator_terms(state, objective, image, reconstruction, cell.train.precision, number)
    else:
        parts = objective.generator(image=image, reconstruction=reconstruction.image)
    if reconstruction.rate is not None:
        parts = parts.plus("rate", reconstruction.rate.float(), cell.loss.lambda_r)
    return parts


def discriminator_steps(
    state: TrainState, objective: Objective, cell: Cell, batches: Batches, shown: Iterable[Shown]
) -> DiscriminatorStepOutput:
    """Takes the discriminators' steps, the first on the generator's batches and each further one on some of its own.

    With the quirk of unpaired batches the first has its own, too.
    """
    output = None
    for index in range(cell.train.discriminator_steps):
        number = state.step * cell.train.discriminator_steps + index
        if index or cell.train.quirks.unpaired_batches:
            shown = _of_discriminators(state, cell, batches, number)
        output = accumulated_step(state, objective, cell, number, shown)
    assert output is not None
    return output


@torch.no_grad()
def _of_discriminators(state: TrainState, cell: Cell, batches: Batches, step: int) -> Iterator[Shown]:
    """Goes through the batches that a step of the discriminators has to itself."""
    count = cell.train.accumulate
    for number in range(step * count, (step + 1) * count):
        image = batches(number, purpose="data.discriminator_crops")
        with autocast(image, cell.train.precision):
            yield Shown(image, state.codec(image, stream(cell.seed, "discriminator.noise", number)))


def set_rates(state: TrainState, cell: Cell) -> None:
    """Sets both players' learning rates of this step, each counted from the player's first."""
    players = (
        (state.codec_optimizer, cell.optimizers.generator, 0),
        (state.discriminator_optimizer, cell.optimizers.discriminator, cell.train.discriminator_start),
    )
    for optimizer, settings, first in players:
        if optimizer is not None and state.step >= first:
            set_rate(optimizer, rate_at(settings, state.step - first, cell.train.steps - first))


def autocast(image: Tensor, precision: str) -> torch.autocast:
    """Returns the numeric context of the networks; losses are computed outside it, in float32."""
    return torch.autocast(image.device.type, torch.bfloat16, enabled=precision == "bfloat16")


def discriminator_step(
    state: TrainState, objective: Objective, cell: Cell, number: int, image: Tensor, reconstructed: Reconstruction
) -> DiscriminatorStepOutput:
    """Steps the discriminators on one batch of images and their reconstructions; otherwise as `accumulated_step`."""
    return accumulated_step(state, objective, cell, number, [Shown(image, reconstructed)])


def accumulated_step(
    state: TrainState, objective: Objective, cell: Cell, number: int, batches: Iterable[Shown]
) -> DiscriminatorStepOutput:
    """Steps the discriminators on images and their reconstructions, which are not differentiated.

    Args:
        state: changed in place.
        objective: of the cell.
        cell: says over how many batches gradients are averaged.
        number: counts the discriminators' own steps; penalties are due by it.
        batches: so many, taken one after the other.
    """
    assert state.discriminator is not None
    assert state.discriminator_optimizer is not None
    count = cell.train.accumulate
    state.discriminator_optimizer.zero_grad(set_to_none=True)
    losses = []
    for index, shown in enumerate(batches):
        loss, real, fake = discriminator_loss(state, objective, cell, number, number * count + index, shown)
        (loss if count == 1 else loss / count).backward()
        losses.append(loss.detach())
    state.discriminator_optimizer.step()
    for penalty in objective.penalties.values():
        if penalty.constrain is not None:
            penalty.constrain(state.discriminator)
    return DiscriminatorStepOutput(losses[0] if count == 1 else torch.stack(losses).mean(), real, fake)


def discriminator_loss(
    state: TrainState, objective: Objective, cell: Cell, number: int, draw: int, shown: Shown
) -> tuple[Tensor, tuple[Tensor, ...], tuple[Tensor, ...]]:
    """Returns the discriminators' loss on a batch and, detached, each scale's logits of both images.

    Penalties are due by `number`, and everything draws by `draw`.
    """
    discriminator = state.discriminator
    assert discriminator is not None
    image, reconstruction, symbols = shown.image, shown.reconstruction.image.detach(), shown.reconstruction.symbols
    views = state.views("discriminator", draw, image)
    with autocast(image, cell.train.precision):
        real = discriminator(views.image(image), symbols)
        fake = discriminator(views.reconstruction(reconstruction), symbols)
    real_trained, fake_trained = (each.logits[: state.trained_scales] for each in (real, fake))
    loss = objective.discriminator(
        real_logits=real_trained, fake_logits=fake_trained, memory=functools.partial(_memory, state)
    )
    if objective.penalties:
        inputs = functools.partial(
            _penalty_inputs,
            state,
            cell,
            draw,
            image=image,
            reconstruction=reconstruction,
            real=real_trained,
            fake=fake_trained,
            view=views.image,
        )
        loss = loss + objective.penalty(inputs, number)
    real_logits, fake_logits = (tuple(each.detach() for each in output.logits) for output in (real, fake))
    if state.augmenter is not None:
        trained, loss_of = slice(state.trained_scales), objective.adversarial.loss
        state.augmenter.follow(draw, len(image), loss_of, real_logits[trained], fake_logits[trained])
    return loss, real_logits, fake_logits


def _memory(state: TrainState, scale: int) -> Memory:
    """Returns what the adversarial loss keeps of a scale."""
    return state.memory.setdefault(f"adversarial.{scale}", {})


def _penalty_inputs(
    state: TrainState,
    cell: Cell,
    draw: int,
    penalty: str,
    *,
    image: Tensor,
    reconstruction: Tensor,
    real: Sequence[Tensor],
    fake: Sequence[Tensor],
    view: View,
) -> PenaltyInputs:
    """Returns what a penalty looks at; outside autocast, since it differentiates gradients.

    Images that a penalty makes are seen as the step's images are, so that those made of one can be compared.
    """
    discriminator = state.discriminator
    assert discriminator is not None

    def logits(images: Tensor) -> Sequence[Tensor]:
        with by_definition(discriminator):
            return discriminator(view(images)).logits[: len(fake)]

    return PenaltyInputs(
        image=image.float(),
        reconstruction=reconstruction.float(),
        real=[each.float() for each in real],
        fake=[each.float() for each in fake],
        logits=logits,
        stream=stream(cell.seed, f"penalty.{penalty}", draw),
        memory=state.memory.setdefault(penalty, {}),
    )


def generator_terms(
    state: TrainState,
    objective: Objective,
    image: Tensor,
    reconstruction: Reconstruction,
    precision: str,
    number: int | None = None,
) -> Parts:
    """Returns the generator's terms on the forward pass that the discriminator step has seen.

    `number` counts batches, by default one a step. The discriminators are frozen meanwhile, so that the generator's
    backward pass leaves no gradient in them.
    """
    assert state.discriminator is not None
    views = state.views("generator", state.step if number is None else number, image)
    with autocast(image, precision), frozen(state.discriminator):
        fake = state.discriminator(views.reconstruction(reconstruction.image), reconstruction.symbols)
        real = DiscriminatorOutput((), ())
        if objective.needs_real_features or objective.needs_real_logits:
            with torch.no_grad():
                real = state.discriminator(views.image(image), reconstruction.symbols)
    fake, real = (each._replace(logits=each.logits[: state.trained_scales]) for each in (fake, real))
    parts = objective.generator(
        image=image,
        reconstruction=reconstruction.image,
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
def frozen(module: nn.Module) -> Iterator[None]:
    """Keeps gradients out of a module's parameters while graphs are built through it."""
    module.requires_grad_(False)
    try:
        yield
    finally:
        module.requires_grad_(True)
