"""The presets of named systems, against their losses written out from each system's code or paper."""

import pytest
import torch
from torch.nn import functional as F

from ablate.config import Cell
from ablate.grid.presets import nested, preset_values
from ablate.objective import Objective

GENERATOR = torch.Generator().manual_seed(0)
IMAGE, RECONSTRUCTION = (torch.rand(2, 3, 16, 16, generator=GENERATOR) * 2 - 1 for _ in range(2))


def drawn(*shapes: tuple[int, ...]) -> list[torch.Tensor]:
    return [torch.randn(shape, generator=GENERATOR) for shape in shapes]


REAL, FAKE = (drawn((2, 1, 8, 8), (2, 1, 4, 4), (2, 1, 2, 2)) for _ in range(2))
FEATURES = [[drawn((2, 4, 8, 8), (2, 8, 4, 4)) for _ in range(3)] for _ in range(2)]


def settings(name: str) -> Cell:
    return Cell.model_validate(nested(preset_values("tiny", name)))


def both(name: str, **changes: object) -> tuple[float, float]:
    """Returns the discriminators' loss without penalties and the generator's weighted total."""
    cell = settings(name)
    objective = Objective.build(cell.loss.model_copy(update=changes))
    scales = cell.discriminator.scales
    parts = objective.generator(
        image=IMAGE,
        reconstruction=RECONSTRUCTION,
        real_logits=REAL[:scales],
        fake_logits=FAKE[:scales],
        real_features=FEATURES[0][:scales] if objective.needs_real_features else (),
        fake_features=FEATURES[1][:scales],
    )
    judged = objective.discriminator(real_logits=REAL[:scales], fake_logits=FAKE[:scales])
    return judged.item(), parts.total.item()


def without_perceptual(name: str) -> dict[str, object]:
    """Keeps the perceptual network, whose weights are not shipped, out of the sum."""
    loss = settings(name).loss
    return {"perceptual": loss.perceptual.model_copy(update={"name": "none", "options": {}})}


def matched(scales: int) -> list[float]:
    return [F.l1_loss(f, r).item() for s in range(scales) for f, r in zip(FEATURES[1][s], FEATURES[0][s], strict=True)]


def test_as_seed_is_the_source_systems_model_py() -> None:
    judged = sum(((r - 1) ** 2).mean().item() + (f**2).mean().item() for r, f in zip(REAL, FAKE, strict=True))
    generated = (
        ((FAKE[0] - 1) ** 2).mean().item() + 12 * F.mse_loss(RECONSTRUCTION, IMAGE).item() + 10 * sum(matched(3))
    )
    assert both("as_seed") == pytest.approx((judged, generated), rel=1e-6)


def test_as_pix2pixhd_halves_the_discriminators_and_sums_both_players_over_two_scales() -> None:
    judged = sum(0.5 * (((r - 1) ** 2).mean() + (f**2).mean()).item() for r, f in zip(REAL[:2], FAKE[:2], strict=True))
    layers = len(FEATURES[0][0])
    generated = sum(((f - 1) ** 2).mean().item() for f in FAKE[:2]) + 10 * sum(4 / layers / 2 * m for m in matched(2))
    found = both("as_pix2pixhd", **without_perceptual("as_pix2pixhd"))
    assert found == pytest.approx((judged, generated), rel=1e-6)
    loss = settings("as_pix2pixhd").loss
    assert (loss.perceptual.name, loss.perceptual_weight) == ("vgg", 10)


def test_as_spade_averages_the_hinge_over_two_scales_and_matching_over_scales_alone() -> None:
    pairs = list(zip(REAL[:2], FAKE[:2], strict=True))
    judged = sum((F.relu(1 - r).mean() + F.relu(1 + f).mean()).item() for r, f in pairs) / 2
    generated = sum(-f.mean().item() for f in FAKE[:2]) / 2 + 10 * sum(matched(2)) / 2
    assert both("as_spade", **without_perceptual("as_spade")) == pytest.approx((judged, generated), rel=1e-6)
    loss = settings("as_spade").loss
    assert (loss.perceptual.name, loss.perceptual_weight) == ("vgg", 10)


def test_as_r3gan_pairs_each_image_with_another_and_penalises_both_gradients() -> None:
    swapped = REAL[0].flip(0)  # of a batch of two, the other image
    judged = F.softplus(-(swapped - FAKE[0])).mean().item()
    generated = F.softplus(-(FAKE[0] - swapped)).mean().item() + 12 * F.mse_loss(RECONSTRUCTION, IMAGE).item()
    assert both("as_r3gan") == pytest.approx((judged, generated), rel=1e-6)
    options = {term.name: term.options for term in settings("as_r3gan").loss.penalties}
    assert set(options) == {"r1", "r2"}
    assert all(each["half"] is True and each["weight"] == 1.0 for each in options.values())


def test_as_hific_weighs_squared_errors_of_eight_bit_values() -> None:
    in_levels = F.mse_loss((RECONSTRUCTION + 1) * 127.5, (IMAGE + 1) * 127.5).item()
    generated = 0.15 * F.softplus(-FAKE[0]).mean().item() + 0.075 * 2**-5 * in_levels
    judged = (F.softplus(-REAL[0]).mean() + F.softplus(FAKE[0]).mean()).item()
    assert both("as_hific", **without_perceptual("as_hific")) == pytest.approx((judged, generated), rel=1e-5)
    cell = settings("as_hific")
    assert (cell.loss.perceptual.name, cell.loss.perceptual_weight) == ("lpips", 1)
    assert cell.discriminator.spectral_norm


def test_as_vqgan_halves_the_hinge_and_finds_its_weight_by_gradients() -> None:
    judged = 0.5 * (F.relu(1 - REAL[0]).mean() + F.relu(1 + FAKE[0]).mean()).item()
    generated = -0.8 * FAKE[0].mean().item() + F.l1_loss(RECONSTRUCTION, IMAGE).item()
    assert both("as_vqgan", **without_perceptual("as_vqgan")) == pytest.approx((judged, generated), rel=1e-6)
    cell = settings("as_vqgan")
    assert (cell.loss.perceptual.name, cell.loss.perceptual_weight, cell.loss.adaptive_weight) == ("lpips", 1, True)
    assert cell.train.discriminator_start > 0


def test_as_projected_averages_the_hinge_over_all_logits_of_its_heads() -> None:
    real, fake = (torch.cat([each.flatten() for each in side]) for side in (REAL, FAKE))
    judged = (F.relu(1 - real).mean() + F.relu(1 + fake).mean()).item()
    generated = -fake.mean().item() + 12 * F.mse_loss(RECONSTRUCTION, IMAGE).item()
    assert both("as_projected") == pytest.approx((judged, generated), rel=1e-6)
    cell = settings("as_projected").discriminator
    assert (cell.kind.name, cell.kind.options["mixing"], cell.kind.options["side"]) == ("features", "scale", 224)
    assert [each.name for each in cell.augment] == ["color", "translation", "cutout"]
