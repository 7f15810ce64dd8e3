"""One training step of both players."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ablate.codecs.codec import Reconstruction
from ablate.config import Cell
from ablate.discriminators.discriminator import DiscriminatorOutput
from ablate.losses import Memory, PenaltyInputs
from ablate.objective import Objective, Parts
from ablate.rng import stream
from ablate.train.augmenter import View
from ablate.train.batches import Batches
from ablate.train.gradients import weighted_norms
from ablate.train.state import TrainState
from ablate.train.weighting import adaptive, calibrated


@dataclass(frozen=True)
class DiscriminatorStepOutput:
    """Loss of the discriminators' step and, per scale, their logits on image and reconstruction; detached."""

    loss: Tensor
    real: tuple[Tensor, ...]
    fake: tuple[Tensor, ...]


@dataclass(frozen=True)
class StepOutput:
    """A step that was taken: its batch, the generator's terms, and what the discriminators saw where they took part."""

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
    # Forward once for both players.
    image = batches(cell.train.warmup_steps + state.step)
    with autocast(image, cell.train.precision):
        reconstruction = state.codec(image, stream(cell.seed, "noise", state.step))
    adversarial = objective.needs_discriminator and state.step >= cell.train.discriminator_start

    # Discriminators, where they go first.
    output = None
    if adversarial and cell.train.order == "discriminator_first":
        output = discriminator_steps(state, objective, cell, batches, image, reconstruction)

    # Generator.
    if adversarial:
        parts = generator_terms(state, objective, image, reconstruction, cell.train.precision)
    else:
        parts = objective.generator(image=image, reconstruction=reconstruction.image)
    if reconstruction.rate is not None:
        parts = parts.plus("rate", reconstruction.rate.float(), cell.loss.lambda_r)
    found = weighted_norms(parts, reconstruction.image) if norms else {}
    total = parts.total
    descend(state, total)

    # Discriminators, where they go last: on what the generator made before its step.
    if adversarial and cell.train.order == "generator_first":
        output = discriminator_steps(state, objective, cell, batches, image, reconstruction)
    state.step += 1
    state.update_average(cell.train.ema_decay)
    return StepOutput(image, reconstruction, parts, total.detach(), output, found)


def discriminator_steps(
    state: TrainState,
    objective: Objective,
    cell: Cell,
    batches: Batches,
    image: Tensor,
    reconstruction: Reconstruction,
) -> DiscriminatorStepOutput:
    """Takes the discriminators' steps, the first on the generator's batch and each further one on a batch of its own.

    With the quirk of unpaired batches the first has one of its own, too.
    """
    output = None
    for index in range(cell.train.discriminator_steps):
        number = state.step * cell.train.discriminator_steps + index
        if index or cell.train.quirks.unpaired_batches:
            image = batches(number, purpose="data.discriminator_crops")
            with torch.no_grad(), autocast(image, cell.train.precision):
                reconstruction = state.codec(image, stream(cell.seed, "discriminator.noise", number))
        output = discriminator_step(state, objective, cell, number, image, reconstruction)
    assert output is not None
    return output


def autocast(image: Tensor, precision: str) -> torch.autocast:
    """Returns the numeric context of the networks; losses are computed outside it, in float32."""
    return torch.autocast(image.device.type, torch.bfloat16, enabled=precision == "bfloat16")


def discriminator_step(
    state: TrainState, objective: Objective, cell: Cell, number: int, image: Tensor, reconstructed: Reconstruction
) -> DiscriminatorStepOutput:
    """Steps the discriminators on images and their reconstructions, which are not differentiated.

    `number` counts the discriminators' own steps; penalties are due and draw by it.
    """
    assert state.discriminator is not None
    assert state.discriminator_optimizer is not None
    reconstruction, symbols = reconstructed.image.detach(), reconstructed.symbols
    views = state.views("discriminator", number, image)
    with autocast(image, cell.train.precision):
        real = state.discriminator(views.image(image), symbols)
        fake = state.discriminator(views.reconstruction(reconstruction), symbols)
    real_trained, fake_trained = (each.logits[: state.trained_scales] for each in (real, fake))
    loss = objective.discriminator(
        real_logits=real_trained, fake_logits=fake_trained, memory=functools.partial(_memory, state)
    )
    if objective.penalties:
        inputs = functools.partial(
            _penalty_inputs,
            state,
            cell,
            number,
            image=image,
            reconstruction=reconstruction,
            real=real_trained,
            fake=fake_trained,
            view=views.image,
        )
        loss = loss + objective.penalty(inputs, number)
    state.discriminator_optimizer.zero_grad(set_to_none=True)
    loss.backward()
    state.discriminator_optimizer.step()
    for penalty in objective.penalties.values():
        if penalty.constrain is not None:
            penalty.constrain(state.discriminator)
    real_logits, fake_logits = (tuple(each.detach() for each in output.logits) for output in (real, fake))
    if state.augmenter is not None:
        trained, loss_of = slice(state.trained_scales), objective.adversarial.loss
        state.augmenter.follow(number, len(image), loss_of, real_logits[trained], fake_logits[trained])
    return DiscriminatorStepOutput(loss.detach(), real_logits, fake_logits)


def _memory(state: TrainState, scale: int) -> Memory:
    """Returns what the adversarial loss keeps of a scale."""
    return state.memory.setdefault(f"adversarial.{scale}", {})


def _penalty_inputs(
    state: TrainState,
    cell: Cell,
    number: int,
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
    return PenaltyInputs(
        image=image.float(),
        reconstruction=reconstruction.float(),
        real=[each.float() for each in real],
        fake=[each.float() for each in fake],
        logits=lambda images: discriminator(view(images)).logits[: len(fake)],
        stream=stream(cell.seed, f"penalty.{penalty}", number),
        memory=state.memory.setdefault(penalty, {}),
    )


def generator_terms(
    state: TrainState, objective: Objective, image: Tensor, reconstruction: Reconstruction, precision: str
) -> Parts:
    """Returns the generator's terms on the forward pass that the discriminator step has seen.

    The discriminators are frozen meanwhile, so that the generator's backward pass leaves no gradient in them.
    """
    assert state.discriminator is not None
    views = state.views("generator", state.step, image)
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


def set_learning_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Sets the rate of the next step."""
    for group in optimizer.param_groups:
        group["lr"] = rate


@contextmanager
def frozen(module: nn.Module) -> Iterator[None]:
    """Keeps gradients out of a module's parameters while graphs are built through it."""
    module.requires_grad_(False)
    try:
        yield
    finally:
        module.requires_grad_(True)
