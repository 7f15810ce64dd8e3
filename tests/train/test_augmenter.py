"""What discriminators see while they are trained: the same draws when resumed, and a probability that follows them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from ablate.config import Cell, DiscriminatorSettings
from ablate.losses import Penalty, PenaltyInputs, adversarial
from ablate.objective import Objective
from ablate.train.augmenter import Augmenter
from ablate.train.discriminator_step import discriminator_step
from ablate.train.state import TrainState
from ablate.train.step import descend, generator_terms
from tests.train.conftest import MakeCell
from tests.train.test_run import comparable, resumed_like_undisturbed
from tests.train.test_step import image

ALL = ["color", "translation", "cutout"]
HINGE = adversarial("hinge").loss


def augmenter(probability: Any = "fixed", **settings: Any) -> Augmenter:
    given = {"augment": ALL, "augment_probability": probability, **settings}
    found = Augmenter.by(DiscriminatorSettings.model_validate(given), 0, "cpu")
    assert found is not None
    return found


def cell(loss: dict[str, Any] | None = None, **discriminator: Any) -> Cell:
    return Cell.model_validate(
        {
            "data": {"crop": 32, "batch_size": 2},
            "model": {"width": 4, "downsamplings": 2, "residual_blocks": 1, "norm": "channel", "channels": 2},
            "discriminator": {"width": 4, "layers": 2, "norm": "channel", "scales": 2, **discriminator},
            "loss": {"feature_matching": "none", **(loss or {})},
        }
    )


def test_nothing_is_augmented_unless_it_is_asked_for() -> None:
    assert TrainState.for_cell(cell(), "cpu").augmenter is None


def test_views_are_a_function_of_seed_player_and_number_alone() -> None:
    x, own = image(), augmenter()
    views = [own.views("discriminator", 3, 2), augmenter().views("discriminator", 3, 2)]
    assert torch.equal(views[0].image(x), views[1].image(x))
    for other in (own.views("generator", 3, 2), own.views("discriminator", 4, 2)):
        assert not torch.equal(views[0].image(x), other.image(x))


@pytest.mark.parametrize(("draws", "alike"), [("independent", False), ("shared", True)])
def test_image_and_reconstruction_have_draws_of_their_own_or_share_them(draws: str, alike: bool) -> None:
    views, x = augmenter(augment_draws=draws).views("generator", 0, 2), image()
    assert torch.equal(views.image(x), views.reconstruction(x)) is alike


def test_a_view_shows_several_copies_of_its_batch_alike() -> None:
    view, x = augmenter().views("discriminator", 0, 2).image, image()
    assert torch.equal(view(torch.cat([x, x])), torch.cat([view(x), view(x)]))


@pytest.mark.parametrize(("probability", "share"), [(0.0, 0.0), (0.25, 0.25), (1.0, 1.0)])
def test_each_image_is_augmented_with_the_probability(probability: float, share: float) -> None:
    x = torch.rand(2000, 3, 2, 2)
    own = augmenter({"name": "fixed", "probability": probability}, augment=["color"])
    changed = (own.views("discriminator", 0, 2000).image(x) != x).flatten(1).any(1)
    assert float(changed.float().mean()) == pytest.approx(share, abs=0.03)


def test_both_players_discriminators_see_augmented_images() -> None:
    found = []
    for settings in (cell(), cell(augment=ALL)):
        state, objective, x = TrainState.for_cell(settings, "cpu"), Objective.build(settings.loss), image()
        reconstruction = state.codec(x)
        terms = generator_terms(state, objective, x, reconstruction, "float32").terms
        loss = discriminator_step(state, objective, settings, 0, x, reconstruction).loss
        found.append((terms["distortion"].item(), terms["adversarial"].item(), loss.item()))
    plain, augmented = found
    assert plain[0] == augmented[0], "the distortion is of what the codec gives"
    assert plain[1] != augmented[1]
    assert plain[2] != augmented[2]


def test_the_generators_gradient_passes_through_the_augmentation() -> None:
    settings = cell({"distortion": "none", "lambda_x": 0.0}, augment=ALL)
    state, objective, x = TrainState.for_cell(settings, "cpu"), Objective.build(settings.loss), image()
    descend(state, generator_terms(state, objective, x, state.codec(x), "float32").total)
    assert all(p.grad is not None and p.grad.norm() > 0 for p in state.codec.generator.parameters())


def test_penalties_look_through_the_view_of_the_images_however_many_they_make_of_one() -> None:
    settings = cell({"penalties": ["ar1"]}, augment=ALL)
    state, objective, x = TrainState.for_cell(settings, "cpu"), Objective.build(settings.loss), image()
    seen: list[PenaltyInputs] = []
    penalty = Penalty(lambda inputs: seen.append(inputs) or [each.mean() for each in inputs.fake])
    objective.penalties["ar1"] = penalty  # type: ignore[index]
    fresh = TrainState.for_cell(settings, "cpu")
    discriminator_step(state, objective, settings, 0, x, state.codec(x))
    (inputs,) = seen
    state.discriminator.load_state_dict(fresh.discriminator.state_dict())
    twice = inputs.logits(torch.cat([inputs.image, inputs.image]))
    for own, both in zip(inputs.real, twice, strict=True):
        torch.testing.assert_close(both, torch.cat([own, own]))
        assert not torch.allclose(own, state.discriminator(x).logits[0][..., : own.shape[-2], : own.shape[-1]])


def logits(value: float) -> list[Tensor]:
    return [torch.full((2, 1, 3, 3), value), torch.full((2, 1, 2, 2), value)]


def test_the_probability_rises_while_discriminators_are_surer_than_the_target_and_falls_otherwise() -> None:
    own = augmenter({"name": "adaptive", "images": 40, "every": 2})
    assert own.adapts
    seen = []
    for number in range(8):
        own.follow(number, 2, HINGE, logits(3.0 if number < 6 else -3.0), logits(-3.0))
        seen.append(round(float(own.probability), 6))
    assert seen == [0.0, 0.1, 0.1, 0.2, 0.2, 0.3, 0.3, 0.2]


def test_what_was_seen_since_the_last_move_goes_through_a_checkpoint() -> None:
    adaptive = {"name": "adaptive", "images": 40, "every": 2, "target": -0.1, "first": 0.5}
    own, resumed = augmenter(adaptive), augmenter(adaptive)
    own.follow(0, 2, HINGE, logits(3.0), logits(-3.0))
    resumed.load_state_dict(own.state_dict())
    for each in (own, resumed):
        each.follow(1, 2, HINGE, logits(-3.0), logits(-3.0))
        assert float(each.probability) > 0.5, "signs of 1 and -1 have the mean 0, above the target"


def test_the_probability_stays_within_0_and_1() -> None:
    for value, limit in ((3.0, 1.0), (-3.0, 0.0)):
        own = augmenter({"name": "adaptive", "images": 4, "every": 1, "first": 0.5})
        for number in range(4):
            own.follow(number, 2, HINGE, logits(value), logits(-3.0))
        assert float(own.probability) == limit


def test_each_option_of_the_adaptive_probability_changes_it() -> None:
    def after(**options: Any) -> float:
        own = augmenter({"name": "adaptive", "images": 100, "every": 1} | options)
        mixed = [torch.tensor([1.0, 1.0, 1.0, -1.0]).reshape(4, 1, 1, 1)]  # r_t = 0.5
        for number in range(4):
            own.follow(number, 4, HINGE, mixed, mixed)
        return round(float(own.probability), 6)

    assert after(target=0.4) == 0.16
    assert after(target=0.6) == 0.0
    assert after(target=0.4, images=50) == 0.32
    assert after(target=0.4, every=3) == 0.12
    assert after(target=0.4, first=0.5) == 0.66


def test_what_is_sure_is_held_against_the_threshold_of_the_loss_or_against_reconstructions() -> None:
    lsgan, relative = adversarial("lsgan").loss, adversarial("rp_vanilla").loss
    for loss, real, fake, rises in (
        (lsgan, 0.6, 0.0, True),
        (lsgan, 0.4, 0.0, False),
        (relative, -2.0, -3.0, True),
        (relative, 2.0, 3.0, False),
    ):
        own = augmenter({"name": "adaptive", "images": 8, "every": 1, "first": 0.5})
        own.follow(0, 2, loss, logits(real), logits(fake))
        assert (float(own.probability) > 0.5) is rises


def test_a_fixed_probability_follows_nothing() -> None:
    own = augmenter({"name": "fixed", "probability": 0.5})
    own.follow(0, 2, HINGE, logits(3.0), logits(-3.0))
    assert float(own.probability) == 0.5
    assert not own.adapts


def test_an_adapted_probability_is_logged_and_resumed_bit_for_bit(make_cell: MakeCell, tmp_path: Path) -> None:
    adaptive = {"name": "adaptive", "images": 30, "every": 3, "target": 0.1, "first": 0.5}
    changed = {"augment": ALL, "augment_probability": adaptive, "augment_draws": "shared"}
    settings = make_cell(discriminator=changed, loss={"penalties": ["r1"]})
    found = comparable(resumed_like_undisturbed(settings, tmp_path, (4, 7)))
    seen = [row["augment_probability"] for row in found["rows"]]
    assert len(set(seen)) > 1


def test_how_it_is_augmented_is_identity() -> None:
    ids = [
        cell(**settings).id
        for settings in (
            {},
            {"augment": ["color"]},
            {"augment": ["color", "cutout"]},
            {"augment": [{"name": "cutout", "ratio": 0.25}]},
            {"augment": ["color"], "augment_draws": "shared"},
            {"augment": ["color"], "augment_probability": "adaptive"},
            {"augment": ["color"], "augment_probability": {"name": "fixed", "probability": 0.5}},
        )
    ]
    assert len(set(ids)) == len(ids)
    assert cell(augment=[], augment_draws="independent", augment_probability="fixed").id == ids[0]


@pytest.mark.parametrize(
    ("loss", "discriminator", "said"),
    [
        ({}, {"augment": ["colour"]}, r"unknown augmentation 'colour' .* did you mean 'color'\?"),
        ({}, {"augment": ["color", "color"]}, "'color' is named twice"),
        ({}, {"augment_draws": "shared"}, r"discriminator\.augment_draws says how .* discriminator\.augment is empty"),
        ({}, {"augment_probability": "adaptive"}, r"discriminator\.augment_probability says how"),
        ({"feature_matching": "pix2pixhd"}, {"augment": ["color"]}, r'augment_draws = "shared" or'),
        ({"adversarial": "none"}, {"augment": ["color"]}, "trains no discriminator whose images could be augmented"),
        ({"adversarial": "oasis"}, {"augment": ["translation"], "scales": 1}, "leave out translation"),
        ({}, {"augment": ["color"], "augment_probability": {"name": "adaptive", "target": 1.0}}, "out of range"),
    ],
)
def test_augmentation_that_makes_no_sense_is_refused(
    loss: dict[str, Any], discriminator: dict[str, Any], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        cell(loss, **discriminator)
