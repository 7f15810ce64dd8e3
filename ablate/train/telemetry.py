"""Telemetry of a training: what the two players do to each other, and when that has ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ablate.codecs.codec import Reconstruction
from ablate.losses import AdversarialLoss
from ablate.objective import Parts
from ablate.train.discriminator_step import DiscriminatorStepOutput
from ablate.train.gradients import encoder_norm
from ablate.train.state import TrainState
from ablate.train.step import StepOutput

FLAT_STD = 0.01
"""A reconstruction that varies less than this (1.3 of 255 levels) over pixels is flat ..."""
IMAGE_STD = 0.05
"""... where its image varies at least this much ..."""
FLAT_LOGS = 4
"""... and a training that is flat at this many log points in a row has collapsed."""
SATURATED = 0.99
"""Discriminator accuracy, on image and reconstruction alike, that is recorded as an event."""


@dataclass
class Finiteness:
    """Remembers on the device at which step a loss first was not finite, so that a GPU need not wait every step."""

    first: Tensor

    @classmethod
    def on(cls, device: str) -> Finiteness:
        """Starts with nothing seen."""
        return cls(torch.full((), -1, dtype=torch.int64, device=device))

    def watch(self, step: int, *losses: Tensor) -> None:
        """Looks at the losses of a step."""
        finite = torch.stack([loss.detach().float() for loss in losses]).isfinite().all()
        self.first = torch.where((self.first < 0) & ~finite, step, self.first)

    @property
    def broken_at(self) -> int | None:
        """The first step whose loss was not finite; waits for the device."""
        step = int(self.first)
        return None if step < 0 else step


def scale_telemetry(output: DiscriminatorStepOutput, loss: AdversarialLoss) -> list[dict[str, float]]:
    """Returns per scale how often the discriminator is right and what its mean logits are.

    A logit above the loss' threshold says "image": there the loss is indifferent, halfway between targets. Under a
    relativistic loss, and wgan, a logit means something only against the other image's, so that it is held against
    their mean.
    """
    decided = [(loss.decision(real), loss.decision(fake)) for real, fake in zip(output.real, output.fake, strict=True)]
    return [
        {
            "accuracy_real": float((real > (fake.mean() if loss.relative else loss.threshold)).float().mean()),
            "accuracy_fake": float((fake <= (real.mean() if loss.relative else loss.threshold)).float().mean()),
            "logit_real_mean": float(real.float().mean()),
            "logit_fake_mean": float(fake.float().mean()),
        }
        for real, fake in decided
    ]


def is_finite(module: torch.nn.Module) -> bool:
    """Whether no weight and no running average of a module is infinite or NaN; waits for the device."""
    return bool(torch.stack([each.isfinite().all() for each in module.state_dict().values()]).all())


def saturated(scales: list[dict[str, float]]) -> bool:
    """Whether every discriminator tells images from reconstructions nearly without error."""
    return bool(scales) and all(min(s["accuracy_real"], s["accuracy_fake"]) >= SATURATED for s in scales)


def log_row(taken: StepOutput, loss: AdversarialLoss, state: TrainState) -> dict[str, Any]:
    """Returns what a log point says of losses, gradients and discriminators.

    Args:
        taken: a step with its gradient norms.
        loss: that the discriminators are trained with.
        state: after it.
    """
    output = taken.discriminator
    return {
        "loss": loss_row(taken.parts, output),
        "weights": {name: float(weight) for name, weight in taken.parts.weights.items()},
        "gradient_norm": {**taken.gradient_norms, "encoder": encoder_norm(state.codec)},
        "scales": scale_telemetry(output, loss) if output else [],
        **players_row(state),
        **reconstruction_row(taken.image, taken.reconstruction),
    }


def players_row(state: TrainState) -> dict[str, Any]:
    """Returns what is known of clipped gradients and of an augmentation that adapts itself, where there are such."""
    augmenter = state.augmenter
    return {
        **({"augment_probability": float(augmenter.probability)} if augmenter and augmenter.adapts else {}),
        **({"clipped": clipped} if (clipped := state.clipped) else {}),
    }


def loss_row(parts: Parts, output: DiscriminatorStepOutput | None) -> dict[str, float]:
    """Returns the unweighted terms by name, the generator's weighted total and the discriminators' loss."""
    row = {name: float(term.detach()) for name, term in parts.terms.items()}
    row["generator"] = float(parts.total.detach())
    if output is not None:
        row["discriminator"] = float(output.loss)
    return row


def reconstruction_row(image: Tensor, reconstruction: Reconstruction) -> Mapping[str, Any]:
    """Returns how many quantizer levels the batch uses and how much reconstruction and image vary over pixels."""
    return {
        **({} if reconstruction.symbols is None else {"levels_used": int(reconstruction.symbols.unique().numel())}),
        "reconstruction_std": _deviation(reconstruction.image.detach().float()),
        "image_std": _deviation(image),
    }


def _deviation(images: Tensor) -> float:
    """Returns how much each channel varies over pixels, the mean over channels: 0 for an image of one colour."""
    return float(images.std((2, 3)).mean())


def is_flat(row: Mapping[str, Any]) -> bool:
    """Whether the logged reconstruction shows nothing of an image that shows something."""
    return row["reconstruction_std"] < FLAT_STD and row["image_std"] >= IMAGE_STD
