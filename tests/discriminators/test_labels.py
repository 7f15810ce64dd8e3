"""The discriminator over labels that the codec's own symbols make."""

import itertools

import pytest
import torch

from ablate.config import DiscriminatorSettings, Model
from ablate.discriminators.build import build_discriminator
from ablate.discriminators.labels import LabelDiscriminator, label_of

MODEL = Model(channels=2, width=4, downsamplings=2, residual_blocks=0, norm="none", latent_norm="none")


def judge(layers: int) -> LabelDiscriminator:
    settings = DiscriminatorSettings(scales=1, width=4, layers=layers, norm="none")
    (found,) = build_discriminator(settings, 0, "labels", MODEL.code)
    return found


def scene(height: int, width: int) -> tuple[torch.Tensor, torch.Tensor]:
    drawn = torch.Generator().manual_seed(0)
    symbols = torch.randint(5, (1, 2, height // 4, width // 4), generator=drawn, dtype=torch.uint8)
    return torch.rand(1, 3, height, width, generator=drawn) * 2 - 1, symbols


def test_every_tuple_of_symbols_is_a_label_of_its_own() -> None:
    tuples = torch.tensor(list(itertools.product(range(5), repeat=3)), dtype=torch.uint8)
    labels = label_of(tuples[:, :, None, None], 5)
    assert sorted(labels.flatten().tolist()) == list(range(125))


@pytest.mark.parametrize("layers", [2, 3, 4])
def test_it_judges_each_position_of_the_latent(layers: int) -> None:
    image, symbols = scene(24, 40)
    said, features = judge(layers)(image, symbols)
    assert said.shape == (1, 2, 6, 10)
    assert len(features) == layers
    assert (said < 0).all()


def test_what_it_says_of_a_label_is_a_log_probability() -> None:
    """Over all labels of a position, and the reconstruction, probabilities add up to 1."""
    critic = judge(2)
    image, symbols = scene(8, 8)
    of_labels = torch.zeros(1, 2, 2)
    for first, second in itertools.product(range(5), repeat=2):
        every = torch.tensor([first, second], dtype=torch.uint8).reshape(1, 2, 1, 1).expand_as(symbols)
        of_labels += critic(image, every)[0][:, 1].exp()
    torch.testing.assert_close(of_labels + critic(image, symbols)[0][:, 0].exp(), torch.ones(1, 2, 2))


def test_details_reach_it_through_the_skips() -> None:
    critic = judge(4)
    image, symbols = scene(16, 16)
    image.requires_grad_()
    with torch.no_grad():
        critic.trunk.convs[-1].conv.weight.zero_()
    (gradient,) = torch.autograd.grad(critic(image, symbols)[0].sum(), image)
    assert gradient.norm() > 0
