"""What a log row says of both players, worked out by hand."""

from __future__ import annotations

import math

import pytest
import torch

from ablate.codecs.codec import Reconstruction
from ablate.losses import AdversarialLoss, adversarial
from ablate.objective import Parts
from ablate.records import Environment
from ablate.store import Entry
from ablate.trackers.tracking import Tracking
from ablate.train.discriminator_step import DiscriminatorStepOutput
from ablate.train.telemetry import (
    Finiteness,
    is_flat,
    loss_row,
    reconstruction_row,
    saturated,
    scale_telemetry,
)
from ablate.train.watch import Watch


def patches(*values: float) -> torch.Tensor:
    return torch.tensor(values).reshape(1, 1, 1, -1)


def output_of(real: torch.Tensor, fake: torch.Tensor) -> DiscriminatorStepOutput:
    return DiscriminatorStepOutput(torch.tensor(1.5), (real,), (fake,))


def loss(**options: object) -> AdversarialLoss:
    return AdversarialLoss(lambda *_: torch.zeros(()), lambda *_: torch.zeros(()), **options)


def test_a_discriminator_is_right_where_images_are_above_the_threshold_and_reconstructions_are_not() -> None:
    seen = output_of(patches(0.9, 0.6, 0.5, 0.1), patches(0.9, 0.5, 0.2, 0.1, -0.3))
    (found,) = scale_telemetry(seen, loss(threshold=0.5))
    assert (found["accuracy_real"], found["accuracy_fake"]) == pytest.approx((2 / 4, 4 / 5))
    assert (found["logit_real_mean"], found["logit_fake_mean"]) == pytest.approx((0.525, 0.28))


def test_under_a_relativistic_loss_logits_are_held_against_the_mean_of_the_other_side() -> None:
    seen = output_of(patches(4.0, 5.0, 9.0), patches(4.0, 8.0))
    (found,) = scale_telemetry(seen, loss(relative=True))
    assert (found["accuracy_real"], found["accuracy_fake"]) == pytest.approx((1 / 3, 1 / 2))


def test_a_critic_that_orders_all_images_is_right_whatever_its_offset() -> None:
    def accuracies(name: str, real: torch.Tensor, fake: torch.Tensor) -> tuple[float, float]:
        (found,) = scale_telemetry(output_of(real, fake), adversarial(name).loss)
        return found["accuracy_real"], found["accuracy_fake"]

    for offset in (-7.0, 0.0, 7.0):
        real, fake = patches(1 + offset, 2 + offset), patches(-1 + offset, -2 + offset)
        assert accuracies("wgan", real, fake) == (1, 1)
        assert accuracies("wgan", fake, real) == (0, 0)
    assert accuracies("hinge", patches(8.0, 9.0), patches(6.0, 5.0)) == (1, 0)


def test_a_loss_over_labels_is_told_by_its_decision() -> None:
    (found,) = scale_telemetry(output_of(patches(1.0, -2.0), patches(3.0)), loss(decision=lambda logits: -logits))
    assert (found["accuracy_real"], found["accuracy_fake"], found["logit_real_mean"]) == (0.5, 1.0, 0.5)


def test_discriminators_are_saturated_where_every_one_is_right_about_both() -> None:
    sure, unsure = {"accuracy_real": 0.99, "accuracy_fake": 1.0}, {"accuracy_real": 1.0, "accuracy_fake": 0.98}
    assert saturated([sure, sure])
    assert not saturated([sure, unsure])
    assert not saturated([unsure])
    assert not saturated([])


def test_saturation_is_an_event_when_it_begins_and_when_it_begins_again(tmp_path) -> None:
    entry = Entry(tmp_path / "cell")
    entry.begin_attempt(Environment())
    watch = Watch(Tracking(entry, 1), "cpu", lambda: False, "train")
    for step, accuracy in enumerate((0.5, 1.0, 1.0, 0.5, 1.0), start=1):
        watch.log(step, {"scales": [{"accuracy_real": accuracy, "accuracy_fake": 1.0}]})
    assert [(each.step, each.kind) for each in entry.events()] == [
        (2, "discriminator_saturated"),
        (5, "discriminator_saturated"),
    ]


def test_the_first_step_that_is_not_finite_is_remembered() -> None:
    seen = Finiteness.on("cpu")
    good, bad = torch.tensor(1.0), torch.tensor(float("inf"))
    for step, losses in enumerate([(good,), (good, good), (good, bad), (good,), (bad, bad)], start=1):
        assert seen.broken_at == (None if step <= 3 else 3)
        seen.watch(step, *losses)
    assert seen.broken_at == 3


@pytest.mark.parametrize(
    ("reconstruction", "image", "flat"),
    [(0.0099, 0.05, True), (0.01, 0.05, False), (0.0, 0.0499, False), (0.5, 0.5, False)],
)
def test_a_reconstruction_is_flat_where_it_shows_nothing_of_an_image_that_shows_something(
    reconstruction: float, image: float, flat: bool
) -> None:
    assert is_flat({"reconstruction_std": reconstruction, "image_std": image}) is flat


def test_spread_is_that_within_an_image_and_levels_are_those_in_use() -> None:
    # Each image is flat, and the two differ.
    reconstruction = torch.tensor([-1.0, 1.0])[:, None, None, None].expand(2, 3, 4, 4)
    image = torch.stack([torch.zeros(3, 4, 4), torch.tensor([-1.0, 1.0]).repeat(24).reshape(3, 4, 4)])
    symbols = torch.tensor([0, 4, 4, 2], dtype=torch.uint8).reshape(2, 1, 2, 1)
    row = reconstruction_row(image, Reconstruction(reconstruction, symbols, symbols.float()))
    assert (row["levels_used"], row["reconstruction_std"]) == (3, 0.0)
    assert row["image_std"] == pytest.approx(math.sqrt(16 / 15) / 2)


def test_an_image_of_one_colour_is_flat_whatever_the_colour() -> None:
    image = torch.linspace(-1, 1, 16).repeat(2, 3, 16, 1)
    symbols = torch.zeros(2, 1, 4, 4, dtype=torch.uint8)
    orange = torch.tensor([0.9, 0.2, -0.8]).reshape(1, 3, 1, 1).expand(2, 3, 16, 16)
    edge = orange.clone()
    edge[..., 8:] += 0.1
    for shown, flat in ((orange, True), (edge, False)):
        assert is_flat(reconstruction_row(image, Reconstruction(shown, symbols, symbols.float()))) is flat


def test_terms_are_logged_unweighted_and_their_sum_weighted() -> None:
    parts = Parts(
        {"distortion": torch.tensor(0.5), "adversarial": torch.tensor(2.0)}, {"distortion": 12.0, "adversarial": 0.25}
    )
    terms = {"distortion": 0.5, "adversarial": 2.0, "generator": 6.5}
    assert loss_row(parts, None) == terms
    assert loss_row(parts, output_of(patches(1.0), patches(1.0))) == terms | {"discriminator": 1.5}
