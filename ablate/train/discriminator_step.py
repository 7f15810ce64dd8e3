"""The discriminators' half of a training step."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ablate.codecs.codec import NOTHING, Reconstruction, Side
from ablate.config import Cell
from ablate.kernels.network import by_definition, of_both
from ablate.losses import Memory, PenaltyInputs
from ablate.objective import Objective
from ablate.rng import stream
from ablate.train.batches import Batches
from ablate.train.shown import Shown, autocast, through, with_maps
from ablate.train.state import TrainState


@dataclass(frozen=True)
class DiscriminatorStepOutput:
    """Loss of the discriminators' step and, per scale, their logits on image and reconstruction; detached.

    Of several batches it is the mean of their losses, and the logits are of the last.
    """

    loss: Tensor
    real: tuple[Tensor, ...]
    fake: tuple[Tensor, ...]


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
        purpose = "data.discriminator_crops"
        image, side = batches(number, purpose), batches.side(number, purpose) if cell.guided else NOTHING
        with autocast(image, cell.train.precision):
            yield through(state.codec, image, stream(cell.seed, "discriminator.noise", number), side)


def discriminator_step(
    state: TrainState,
    objective: Objective,
    cell: Cell,
    number: int,
    image: Tensor,
    reconstructed: Reconstruction,
    side: Side = NOTHING,
) -> DiscriminatorStepOutput:
    """Steps the discriminators on one batch of images and their reconstructions; otherwise as `accumulated_step`."""
    return accumulated_step(state, objective, cell, number, [Shown(image, reconstructed, side)])


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
    image, reconstruction, sent = shown.image, shown.reconstruction.image.detach(), shown.reconstruction.sent
    views = state.views("discriminator", draw, image)
    beside = functools.partial(with_maps, side=shown.side, classes=state.discriminator_map_classes)
    with autocast(image, cell.train.precision):
        both = beside(views.image(image)), beside(views.reconstruction(reconstruction))
        real, fake = of_both(discriminator, *both, sent)
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
            sent=sent,
            real=real_trained,
            fake=fake_trained,
            seen=lambda images: beside(views.image(images)),
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
    sent: Tensor | None,
    real: Sequence[Tensor],
    fake: Sequence[Tensor],
    seen: Callable[[Tensor], Tensor],
) -> PenaltyInputs:
    """Returns what a penalty looks at; outside autocast, since it differentiates gradients.

    Images that a penalty makes are seen as the step's images are, so that those made of one can be compared.
    """
    discriminator = state.discriminator
    assert discriminator is not None

    def logits(images: Tensor) -> Sequence[Tensor]:
        with by_definition(discriminator):
            return discriminator(seen(images), beside(images)).logits[: len(fake)]

    def beside(images: Tensor) -> Tensor | None:
        """Returns what was sent of the batch, as often as its images are among those that a penalty makes."""
        return None if sent is None else sent.repeat(len(images) // len(sent), 1, 1, 1)

    return PenaltyInputs(
        image=image.float(),
        reconstruction=reconstruction.float(),
        real=[each.float() for each in real],
        fake=[each.float() for each in fake],
        logits=logits,
        stream=stream(cell.seed, f"penalty.{penalty}", draw),
        memory=state.memory.setdefault(penalty, {}),
    )
