"""How terms are weighted, reduced over scales and shown to the generator."""

from __future__ import annotations

import pytest
import torch

from ablate.config import Loss, Term
from ablate.losses import feature_matching
from ablate.losses.catalogue import feature_matchings
from ablate.objective import Objective

LOGITS = [torch.full((1, 1, size, size), value) for size, value in ((8, 1.0), (4, 2.0), (2, 6.0))]
IMAGE, RECONSTRUCTION = torch.zeros(1, 3, 16, 16), torch.full((1, 3, 16, 16), 0.5)


def objective(**settings: object) -> Objective:
    return Objective.build(Loss.model_validate({"adversarial": "hinge", **settings}))


def features(value: float, scales: int = 3, layers: int = 4) -> list[list[torch.Tensor]]:
    return [[torch.full((1, 2, 3, 3), value * (i + 1)) for i in range(layers)] for _ in range(scales)]


def of_discriminators(objective: Objective, real: list[torch.Tensor], fake: list[torch.Tensor]) -> float:
    return objective.discriminator(real_logits=real, fake_logits=fake).item()


def adversarial_term(objective: Objective, fake: list[torch.Tensor]) -> float:
    parts = objective.generator(image=IMAGE, reconstruction=RECONSTRUCTION, fake_logits=fake)
    return parts.terms["adversarial"].item()


def matched(name: str, real: list[list[torch.Tensor]], fake: list[list[torch.Tensor]]) -> torch.Tensor:
    return feature_matching(real=real, fake=fake, weight=feature_matchings[name].function())


def test_scales_are_averaged_or_summed_as_the_settings_say() -> None:
    zeros = [torch.zeros_like(logits) for logits in LOGITS]
    per_scale = [2.0, 2.0, 2.0]
    assert of_discriminators(objective(scale_reduction="mean"), zeros, zeros) == pytest.approx(sum(per_scale) / 3)
    assert of_discriminators(objective(scale_reduction="sum"), zeros, zeros) == pytest.approx(sum(per_scale))


def test_scales_weigh_by_their_patches_where_asked() -> None:
    zeros = [torch.zeros_like(logits) for logits in LOGITS]
    hinged = objective(scale_reduction="patch_weighted")
    ones = [torch.full_like(logits, value) for logits, value in zip(LOGITS, (0.0, 1.0, 3.0), strict=True)]
    assert of_discriminators(hinged, zeros, ones) == pytest.approx((64 * 2 + 16 * 3 + 4 * 5) / 84)
    assert adversarial_term(hinged, ones) == pytest.approx(-(16 + 12) / 84)
    finest = objective(scale_reduction="patch_weighted", generator_scales="finest")
    assert adversarial_term(finest, LOGITS) == pytest.approx(-1.0)


def test_generator_sees_all_scales_or_the_finest() -> None:
    assert adversarial_term(objective(generator_scales="all"), LOGITS) == pytest.approx(-(1 + 2 + 6) / 3)
    assert adversarial_term(objective(generator_scales="finest"), LOGITS) == pytest.approx(-1.0)


def test_the_generators_loss_may_be_another_than_the_discriminators() -> None:
    crossed, own = objective(adversarial="lsgan", generator="hinge"), objective(adversarial="lsgan")
    assert adversarial_term(crossed, LOGITS) == pytest.approx(-(1 + 2 + 6) / 3)
    assert adversarial_term(own, LOGITS) == pytest.approx((0 + 1 + 25) / 3)
    for real, fake in ((LOGITS, LOGITS), (LOGITS[::-1], LOGITS[::-1])):
        assert of_discriminators(crossed, real, fake) == of_discriminators(own, real, fake)


def test_the_generators_loss_decides_whether_it_looks_at_the_image_and_takes_options() -> None:
    crossed = objective(adversarial="hinge", generator="rp_vanilla")
    assert crossed.needs_real_logits
    assert not objective(adversarial="rp_vanilla", generator="hinge").needs_real_logits
    shifted = objective(generator={"name": "lsgan", "generator_target": 0.0})
    assert adversarial_term(shifted, LOGITS) == pytest.approx((1 + 4 + 36) / 3)


def test_total_is_the_weighted_sum_of_unweighted_terms() -> None:
    settings = objective(lambda_x=12, adversarial_weight=0.5, feature_matching="pix2pixhd", feature_matching_weight=10)
    parts = settings.generator(
        image=IMAGE,
        reconstruction=RECONSTRUCTION,
        fake_logits=LOGITS,
        real_features=features(0.0),
        fake_features=features(1.0),
    )
    assert parts.terms["distortion"].item() == pytest.approx(0.25)
    assert parts.terms["feature_matching"].item() == pytest.approx(4 * 2.5)
    assert parts.total.item() == pytest.approx(12 * 0.25 + 0.5 * -3.0 + 10 * 4 * 2.5)


def test_pix2pixhd_matching_weighs_four_whatever_the_depth_and_the_source_sums_flat() -> None:
    for scales, layers in ((1, 4), (3, 4), (5, 3)):
        ones, zeros = features(1.0, scales, layers), features(0.0, scales, layers)
        flat = sum(i + 1 for i in range(layers)) * scales
        assert matched("source", zeros, ones).item() == pytest.approx(flat)
        assert matched("pix2pixhd", zeros, ones).item() == pytest.approx(4.0 / (scales * layers) * flat)


def test_features_of_the_image_get_no_gradient() -> None:
    real, fake = ([[torch.ones(1, 1, 2, 2, requires_grad=True)]] for _ in range(2))
    matched("source", real, [[fake[0][0] * 2]]).backward()
    assert real[0][0].grad is None
    assert fake[0][0].grad is not None


def test_losses_are_computed_in_float32_from_bfloat16_logits() -> None:
    logits = [each.bfloat16() for each in LOGITS]
    assert objective().discriminator(real_logits=logits, fake_logits=logits).dtype is torch.float32
    parts = objective().generator(image=IMAGE, reconstruction=RECONSTRUCTION.bfloat16(), fake_logits=logits)
    assert {term.dtype for term in parts.terms.values()} == {torch.float32}


def test_control_arm_needs_no_discriminator() -> None:
    control = objective(adversarial="none", feature_matching="none")
    assert not control.needs_discriminator
    assert not control.needs_real_features
    assert set(control.generator(image=IMAGE, reconstruction=RECONSTRUCTION).terms) == {"distortion"}


def test_options_of_a_term_reach_its_loss() -> None:
    soft = objective(adversarial={"name": "lsgan", "real_target": 0.5})
    assert soft.settings.adversarial == Term(
        name="lsgan", options={"fake_target": 0.0, "real_target": 0.5, "generator_target": 1.0}
    )
    half = [torch.full((1, 1, 2, 2), 0.5)]
    zero = [torch.zeros(1, 1, 2, 2)]
    assert soft.discriminator(real_logits=half, fake_logits=zero).item() == 0.0
