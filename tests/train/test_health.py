"""Telemetry: what it says of players and pictures is true."""

from __future__ import annotations

import torch

from ablate.losses import adversarial
from ablate.model import Reconstruction
from ablate.train.health import is_flat, reconstruction_row, scale_health
from ablate.train.step import Judged


def logits(*values: float) -> tuple[torch.Tensor, ...]:
    return (torch.tensor(values).reshape(1, 1, 1, -1),)


def accuracies(name: str, real: tuple[torch.Tensor, ...], fake: tuple[torch.Tensor, ...]) -> tuple[float, float]:
    (row,) = scale_health(Judged(torch.zeros(()), real, fake), adversarial(name).loss)
    return row["accuracy_real"], row["accuracy_fake"]


def test_a_critic_that_orders_all_pictures_is_right_whatever_its_offset() -> None:
    for offset in (-7.0, 0.0, 7.0):
        real, fake = logits(1 + offset, 2 + offset), logits(-1 + offset, -2 + offset)
        assert accuracies("wgan", real, fake) == (1, 1)
        assert accuracies("wgan", fake, real) == (0, 0)
    assert accuracies("hinge", logits(8.0, 9.0), logits(6.0, 5.0)) == (1, 0)


def row(reconstruction: torch.Tensor) -> dict:
    image = torch.linspace(-1, 1, 16).repeat(2, 3, 16, 1)
    symbols = torch.zeros(2, 1, 4, 4, dtype=torch.uint8)
    return dict(reconstruction_row(image, Reconstruction(reconstruction, symbols, symbols.float())))


def test_a_picture_of_one_colour_is_flat_whatever_the_colour() -> None:
    orange = torch.tensor([0.9, 0.2, -0.8]).reshape(1, 3, 1, 1).expand(2, 3, 16, 16)
    assert is_flat(row(orange))
    edge = orange.clone()
    edge[..., 8:] += 0.1
    assert not is_flat(row(edge))
