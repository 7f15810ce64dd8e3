"""One training step of each player."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ablate.losses import Objective, Parts
from ablate.model import Critique, Reconstruction
from ablate.train.state import TrainState


@dataclass(frozen=True)
class Judged:
    """What the discriminator step saw: its loss and, per scale, its logits on image and reconstruction; detached."""

    loss: Tensor
    real: tuple[Tensor, ...]
    fake: tuple[Tensor, ...]


def autocast(image: Tensor, precision: str) -> torch.autocast:
    """Returns the numeric context of the networks; losses are computed outside it, in float32."""
    return torch.autocast(image.device.type, torch.bfloat16, enabled=precision == "bfloat16")


def discriminator_step(
    state: TrainState, objective: Objective, image: Tensor, reconstruction: Tensor, precision: str
) -> Judged:
    """Steps the discriminators on an image and its reconstruction, which is not differentiated."""
    assert state.discriminator is not None
    assert state.discriminator_optimizer is not None
    with autocast(image, precision):
        real, fake = state.discriminator(image), state.discriminator(reconstruction.detach())
    loss = objective.discriminator(real.logits, fake.logits)
    state.discriminator_optimizer.zero_grad(set_to_none=True)
    loss.backward()
    state.discriminator_optimizer.step()
    real_logits, fake_logits = (tuple(each.detach() for each in critique.logits) for critique in (real, fake))
    return Judged(loss.detach(), real_logits, fake_logits)


def generator_terms(
    state: TrainState, objective: Objective, image: Tensor, reconstruction: Reconstruction, precision: str
) -> Parts:
    """Returns the generator's terms on the forward pass that the discriminator step has seen.

    The discriminators are frozen meanwhile, so that the generator's backward pass leaves no gradient in them.
    """
    if not objective.needs_discriminator:
        return objective.generator(image, reconstruction.image)
    assert state.discriminator is not None
    with autocast(image, precision), frozen(state.discriminator):
        fake = state.discriminator(reconstruction.image)
        real = Critique((), ())
        if objective.needs_image_features or objective.needs_image_logits:
            with torch.no_grad():
                real = state.discriminator(image)
    return objective.generator(
        image,
        reconstruction.image,
        logits=fake.logits,
        features=fake.features,
        image_logits=real.logits if objective.needs_image_logits else (),
        image_features=real.features if objective.needs_image_features else (),
    )


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
