"""Which settings of discriminators and losses go together: a rule each, over the groups that it looks at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ablate.discriminators.catalogue import PATCH, augmentations, discriminators
from ablate.losses.catalogue import adversarial_losses, penalties
from ablate.terms import Term

if TYPE_CHECKING:
    from ablate.codecs.settings import Model
    from ablate.config.loss import Loss
    from ablate.config.train import Train
    from ablate.discriminators.settings import DiscriminatorSettings
    from ablate.settings import Settings

MAX_LABELS = 4096
"""The most classes of a position that a discriminator over labels is given; published ones have 1,024."""


def moves(augmentation: Term) -> bool:
    """Says whether an augmentation changes where something is in an image."""
    found: bool = augmentations[augmentation.name].facts["moves"]
    return found


def kind_of(discriminator: DiscriminatorSettings, loss: Loss) -> str:
    """Returns the kind of discriminators: what the adversarial loss needs, or the chosen one where any would do."""
    needed: str = adversarial_losses[loss.adversarial.name].facts["discriminator"]
    return discriminators[discriminator.kind.name if needed == PATCH else needed].name


def there_is_a_discriminator_for_what_needs_it(loss: Loss, train: Train) -> None:
    """Features and penalties need a discriminator, and a discriminator needs steps."""
    named, start = f'loss.adversarial = "{loss.adversarial.name}"', train.discriminator_start
    trained = adversarial_losses[loss.adversarial.name].facts["trains_discriminator"]
    if not trained and loss.feature_matching.name != "none":
        raise ValueError(
            f"{named} trains no discriminator, so there are no features to match: set "
            'loss.feature_matching = "none" with it'
        )
    if not trained and loss.penalties:
        raise ValueError(f"{named} trains no discriminator that penalties could hold: set loss.penalties = [] with it")
    if trained and start >= train.end:
        last = "steps" if train.stop_at is None else "stop_at"
        raise ValueError(
            f"{named} never takes part: train.discriminator_start = {start} and train.{last} = {train.end}; "
            'start earlier, or set loss.adversarial = "none"'
        )


def the_generators_loss_fits_the_discriminators(loss: Loss) -> None:
    """A generator's loss of its own looks at the discriminators that the other one trains."""
    own, other = loss.generator.name, loss.adversarial.name
    if own == "same":
        return
    facts, of_discriminators = adversarial_losses[own].facts, adversarial_losses[other].facts
    if not of_discriminators["trains_discriminator"]:
        raise ValueError(
            f'loss.adversarial = "{other}" trains no discriminator that loss.generator = "{own}" could look at; '
            'set loss.generator = "same" with it'
        )
    if not facts["trains_discriminator"]:
        raise ValueError(
            f'loss.generator = "{own}" looks at no discriminator; set loss.adversarial = "{own}" for a training '
            "without a GAN, or loss.adversarial_weight = 0 for discriminators that nobody listens to"
        )
    if facts["discriminator"] != of_discriminators["discriminator"]:
        raise ValueError(
            f'loss.generator = "{own}" looks at discriminators of the kind "{facts["discriminator"]}", and '
            f'loss.adversarial = "{other}" trains those of the kind "{of_discriminators["discriminator"]}"'
        )


def the_adversarial_weight_can_be_found(loss: Loss, train: Train) -> None:
    """A weight that is found by gradients has gradients to be found by."""
    terms = ((loss.distortion, loss.lambda_x), (loss.perceptual, loss.perceptual_weight))
    if loss.adaptive_weight and not any(weight and term.name != "none" for term, weight in terms):
        raise ValueError(
            "loss.adaptive_weight holds the adversarial term to the gradient of distortion and perceptual term, "
            "and neither has one: it would be 0; give one of them a weight"
        )
    if loss.calibrate == "none":
        return
    reference, at, start = loss.calibrate_to.name, loss.calibrate_at, train.discriminator_start
    facts = adversarial_losses[reference].facts
    if facts["discriminator"] == "labels" or not facts["gradient_losing"]:
        raise ValueError(
            f'loss.calibrate_to = "{reference}" has no gradient by a logit that another loss could be calibrated to'
        )
    if loss.adaptive_weight:
        raise ValueError(
            "loss.adaptive_weight takes the loss' own strength out at every step, and what loss.calibrate puts in "
            'its place would weigh it wrongly; set one of them to false or "none"'
        )
    if not start < at <= train.end:
        last = "steps" if train.stop_at is None else "stop_at"
        raise ValueError(
            f"loss.calibrate_at = {at} is no step with an adversarial term: those are {start + 1} to "
            f"{train.end} (train.discriminator_start, train.{last})"
        )


def discriminators_fit_the_loss(model: Model, discriminator: DiscriminatorSettings, loss: Loss) -> None:
    """A loss with discriminators of its own has these, and what they look at is there."""
    named = f'loss.adversarial = "{loss.adversarial.name}"'
    kind, chosen = kind_of(discriminator, loss), discriminator.kind.name
    if discriminators[chosen].facts["of_loss"]:
        raise ValueError(
            f'discriminator.kind = "{chosen}" is there for losses that bring it along; set loss.adversarial to one '
            f'of these ({", ".join(_losses_with(chosen))}) and discriminator.kind = "{PATCH}"'
        )
    if chosen not in (PATCH, kind):
        raise ValueError(
            f'{named} has discriminators of its own, "{kind}", and none of discriminator.kind = "{chosen}"; set it '
            f'to "{PATCH}" with this loss'
        )
    if discriminators[kind].facts["sent"] and model.code is None:
        raise ValueError(
            f'discriminator.kind = "{kind}" looks at what was sent, and model.codec = "{model.codec.name}" '
            "does not say what that is"
        )
    if kind != PATCH and discriminator.quirks.sigmoid_logits:
        brought = f'discriminator.kind = "{kind}"' if chosen == kind else named
        raise ValueError(f"{brought} has no logit that discriminator.quirks.sigmoid_logits could squash")
    if kind != "labels":
        return
    code = model.code
    if code is None or code.levels is None:
        raise ValueError(f'{named} tells symbols apart, and model.codec = "{model.codec.name}" sends none')
    labels = code.levels**code.channels
    if labels > MAX_LABELS:
        raise ValueError(
            f"{named} tells the {labels} tuples of a position's symbols apart, and {MAX_LABELS} are the most; take "
            "fewer model.channels or model.quantizer.levels"
        )
    if discriminator.scales != 1 or 2**discriminator.layers < code.stride:
        raise ValueError(
            f"{named} judges the positions of the latent: set discriminator.scales = 1 and discriminator.layers to "
            f"{model.downsamplings} or more (model.downsamplings)"
        )
    if loss.penalties or loss.calibrate != "none":
        raise ValueError(
            f"{named} has classes where penalties and calibration need logits: set loss.penalties = [] and "
            'loss.calibrate = "none" with it'
        )


def discriminators_can_look_at_maps(discriminator: DiscriminatorSettings, loss: Loss) -> None:
    """What moves an image would move it away from the label map beside it."""
    if not discriminator.map_classes:
        return
    if not discriminators[kind_of(discriminator, loss)].facts["maps"]:
        raise ValueError(
            f'discriminator.kind = "{kind_of(discriminator, loss)}" looks at no label map; set '
            "discriminator.map_classes = 0 with it"
        )
    if moving := [each.name for each in discriminator.augment if moves(each)]:
        raise ValueError(
            "discriminator.augment moves images and not the label maps beside them: leave out "
            f"{', '.join(moving)}, or set discriminator.map_classes = 0"
        )
    if moving := [each.name for each in loss.penalties if penalties[each.name].facts["moves"]]:
        raise ValueError(
            f"loss.penalties has {', '.join(moving)}, which moves images and not the label maps beside them: leave "
            "that out, or set discriminator.map_classes = 0"
        )


def discriminators_see_what_a_selective_codec_sends(
    model: Model, discriminator: DiscriminatorSettings, loss: Loss
) -> None:
    """Discriminators that look at what was sent of each block need a codec that sends all."""
    kind, selective = kind_of(discriminator, loss), model.selective
    if selective != "none" and discriminators[kind].facts["sent"]:
        raise ValueError(
            f'model.selective = "{selective}" sends nothing of some blocks, and discriminator.kind = "{kind}" '
            'looks at what was sent of each; set model.selective = "none" with it'
        )


def augmentation_fits_the_loss(discriminator: DiscriminatorSettings, loss: Loss) -> None:
    """Augmentation needs a discriminator, and moves nothing that is compared place by place."""
    if not discriminator.augment:
        idle = [key for key in ("augment_probability", "augment_draws") if not _is_default(discriminator, key)]
        if idle:
            raise ValueError(f"discriminator.{idle[0]} says how to augment, and discriminator.augment is empty")
        return
    if not adversarial_losses[loss.adversarial.name].facts["trains_discriminator"]:
        raise ValueError(
            f'loss.adversarial = "{loss.adversarial.name}" trains no discriminator whose images could be '
            "augmented; set discriminator.augment = [] with it"
        )
    moving = [each.name for each in discriminator.augment if moves(each)]
    if discriminators[kind_of(discriminator, loss)].facts["sent"] and moving:
        raise ValueError(
            f"discriminator.augment moves an image and not what was sent of it, which discriminators of the kind "
            f'"{kind_of(discriminator, loss)}" see, too: leave out {", ".join(moving)}'
        )
    if discriminator.augment_draws == "independent" and loss.feature_matching.name != "none":
        raise ValueError(
            "loss.feature_matching compares features of image and reconstruction place by place, and "
            'discriminator.augment changes each in another way; set discriminator.augment_draws = "shared" or '
            'loss.feature_matching = "none"'
        )


def _is_default(settings: Settings, key: str) -> bool:
    return bool(getattr(settings, key) == type(settings).model_fields[key].default)


def _losses_with(kind: str) -> list[str]:
    """Names the adversarial losses that bring a kind of discriminators along."""
    return [name for name in adversarial_losses if adversarial_losses[name].facts["discriminator"] == kind]
