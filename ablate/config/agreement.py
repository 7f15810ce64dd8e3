"""Which settings of a cell go together: a rule each, over the groups that it looks at."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from ablate.config.adversarial_agreement import (
    augmentation_fits_the_loss,
    discriminators_can_look_at_maps,
    discriminators_fit_the_loss,
    discriminators_see_what_a_selective_codec_sends,
    kind_of,
    the_adversarial_weight_can_be_found,
    the_generators_loss_fits_the_discriminators,
    there_is_a_discriminator_for_what_needs_it,
)
from ablate.discriminators.catalogue import discriminators
from ablate.losses.catalogue import distortions

if TYPE_CHECKING:
    from ablate.codecs.settings import Model
    from ablate.config.data import Data
    from ablate.config.evaluation import Evaluation
    from ablate.config.loss import Loss
    from ablate.config.train import Optimizers, Train
    from ablate.discriminators.settings import DiscriminatorSettings
    from ablate.settings import Settings


def require_agreement(groups: Mapping[str, Settings]) -> None:
    """Holds groups of settings, by the name of their field in a cell, to every rule.

    Raises:
        ValueError: where some contradict each other: which, and what could be set instead.
    """
    for rule, looked_at in RULES.items():
        rule(*(groups[name] for name in looked_at))


def _crop_fits(data: Data, model: Model, discriminator: DiscriminatorSettings, loss: Loss) -> None:
    model.check(data.crop, data.batch_size)
    check = discriminators[kind_of(discriminator, loss)].facts["check"]
    if check is not None:
        check(discriminator, data.crop)


def _there_is_a_rate_to_weigh(model: Model, loss: Loss) -> None:
    if loss.lambda_r and not model.has_rate:
        raise ValueError(
            f'loss.lambda_r weighs the rate that a codec estimates, and model.codec = "{model.codec.name}" '
            f'with model.prior = "{model.prior}" estimates none; set it to 0'
        )
    if loss.rate_target is not None and not loss.lambda_r:
        raise ValueError("loss.rate_target begins with the weight loss.lambda_r, which is 0; set it to 0.1, say")
    if loss.lambda_r_below is not None:
        if loss.rate_target is None or loss.rate_control != "two_level":
            raise ValueError('loss.lambda_r_below is for a loss.rate_target with loss.rate_control = "two_level"')
        if loss.lambda_r_below >= loss.lambda_r:
            raise ValueError(
                f"loss.lambda_r_below = {loss.lambda_r_below:g}, the weight below the target, is not below that above "
                f"it, loss.lambda_r = {loss.lambda_r:g}"
            )


def _rates_rise_within_the_training(optimizers: Optimizers, train: Train) -> None:
    for player, first in (("generator", 0), ("discriminator", train.discriminator_start)):
        rising, steps = getattr(optimizers, player).warmup_steps, train.steps - first
        if rising and rising >= steps:
            raise ValueError(
                f"optimizers.{player}.warmup_steps = {rising} is no less than the {steps} steps that this player "
                "is trained for (train.steps, train.discriminator_start)"
            )


def _there_are_maps_for_those_that_look_at_them(
    data: Data, model: Model, discriminator: DiscriminatorSettings, evaluation: Evaluation
) -> None:
    players = (("model", model), ("discriminator", discriminator))
    named = [f"{key}.map_classes" for key, player in players if player.map_classes]
    regions = {"model.selective": model.selective, "evaluation.kept": evaluation.kept}
    named += [f'{key} = "{value}"' for key, value in regions.items() if value == "random_instance"]
    if named and data.maps is None and data.train_maps_digest is None:
        raise ValueError(
            f'{named[0]} asks for label maps: set data.maps to their directory, or to "segmentation", with it'
        )


def _one_map_goes_with_the_files(model: Model, discriminator: DiscriminatorSettings, loss: Loss) -> None:
    codec, judge = model.map_classes, discriminator.map_classes
    if not codec:
        return
    if loss.rate_target is not None:
        raise ValueError(
            f"loss.rate_target holds the bits of files without a map, and model.map_classes = {codec} puts one in; "
            "weigh the rate by loss.lambda_r alone"
        )
    if judge and codec != judge:
        raise ValueError(
            f"model.map_classes = {codec} and discriminator.map_classes = {judge} are of one map; set both to one "
            "number, or one of them to 0"
        )


def _crops_are_large_enough_for_the_distortions(data: Data, loss: Loss, train: Train) -> None:
    for name, term in (
        ("loss.distortion", loss.distortion),
        ("loss.perceptual", loss.perceptual),
        ("train.warmup_distortion", train.warmup_distortion),
    ):
        fact = distortions[term.name].facts["smallest_side"]
        smallest = fact(**term.options) if callable(fact) else fact
        if data.crop < smallest:
            raise ValueError(
                f"{name} = {term.name!r} is not defined below {smallest} pixels, and data.crop = {data.crop}"
            )


def _other_images_are_there_to_pair_with(data: Data, loss: Loss) -> None:
    looking = [
        loss.adversarial,
        loss.generator,
        *([loss.calibrate_to] if loss.calibrate != "none" else []),
    ]
    shuffled = [term.name for term in looking if term.options.get("pairing") == "shuffled"]
    if shuffled and data.batch_size == 1:
        raise ValueError(
            f'{shuffled[0]} with pairing = "shuffled" compares each image with another of the '
            "batch, and data.batch_size = 1"
        )


RULES: Mapping[Callable[..., None], tuple[str, ...]] = {
    rule: tuple(inspect.signature(rule).parameters)
    for rule in (
        _crop_fits,
        _there_is_a_rate_to_weigh,
        there_is_a_discriminator_for_what_needs_it,
        _rates_rise_within_the_training,
        _there_are_maps_for_those_that_look_at_them,
        _one_map_goes_with_the_files,
        discriminators_can_look_at_maps,
        the_generators_loss_fits_the_discriminators,
        the_adversarial_weight_can_be_found,
        discriminators_fit_the_loss,
        augmentation_fits_the_loss,
        _crops_are_large_enough_for_the_distortions,
        _other_images_are_there_to_pair_with,
        discriminators_see_what_a_selective_codec_sends,
    )
}
"""Rule -> the groups of settings that it looks at, which are its parameters."""
