"""Adversarial losses over scales: their reduction, their shapes, and what they remember of a scale."""

import pytest
import torch

from ablate.losses import Memory, adversarial

SCALES = [torch.randn(2, 1, n, n, generator=torch.Generator().manual_seed(n)) for n in (8, 4)]
OTHERS = [logits + 0.5 for logits in SCALES]


def test_a_loss_takes_one_scale_or_a_list_of_them() -> None:
    loss = adversarial("lsgan")
    each = [loss.discriminator(real, fake) for real, fake in zip(SCALES, OTHERS, strict=True)]
    torch.testing.assert_close(loss.discriminator(SCALES, OTHERS), sum(each) / 2)
    assert loss.generator(SCALES[0], OTHERS[0]).item() == pytest.approx((OTHERS[0] - 1).square().mean().item())


def test_the_reduction_over_scales_is_explicit() -> None:
    results = {
        r: adversarial("hinge", reduction=r).generator(SCALES, OTHERS) for r in ("mean", "sum", "patch_weighted")
    }
    means = [-fake.mean() for fake in OTHERS]
    torch.testing.assert_close(results["mean"], sum(means) / 2)
    torch.testing.assert_close(results["sum"], sum(means))
    torch.testing.assert_close(results["patch_weighted"], (64 * means[0] + 16 * means[1]) / 80)
    with pytest.raises(ValueError, match="unknown reduction 'max'"):
        adversarial("hinge", reduction="max")


@pytest.mark.parametrize("player", ["discriminator", "generator"])
@pytest.mark.parametrize(
    ("real", "fake"),
    [(SCALES, OTHERS[:1]), (SCALES[0], OTHERS[1]), (SCALES[0][:1], OTHERS[0]), (SCALES[0][:, 0], OTHERS[0]), ([], [])],
)
def test_shapes_that_differ_raise_instead_of_broadcasting(player, real, fake) -> None:
    with pytest.raises(ValueError, match="logits"):
        getattr(adversarial("rp_hinge"), player)(real, fake)


def test_half_precision_logits_are_cast_and_double_stays() -> None:
    loss = adversarial("vanilla")
    assert loss.discriminator(SCALES[0].bfloat16(), OTHERS[0].bfloat16()).dtype is torch.float32
    assert loss.discriminator(SCALES[0].double(), OTHERS[0].double()).dtype is torch.float64


def test_the_image_s_logits_may_be_left_out_exactly_where_the_generator_does_not_look_at_them() -> None:
    assert adversarial("hinge").generator((), OTHERS) == adversarial("hinge").generator(SCALES, OTHERS)
    with pytest.raises(ValueError, match="logits of 0 scales for the image and of 2 for the reconstruction"):
        adversarial("rp_hinge").generator((), OTHERS)


def test_each_scale_has_a_memory_of_its_own() -> None:
    loss, kept = adversarial("began", rate=0.1), ({}, {})

    def memory(scale: int) -> Memory:
        return kept[scale]

    # Minus energies: those of the reconstructions are so low that they are to be looked at.
    real, fake = [-each.abs() for each in SCALES], [-each.abs() / 10 for each in OTHERS]
    first = loss.discriminator(real, fake, memory=memory)
    assert first == loss.discriminator(real, fake)
    assert kept[0]["k"] != kept[1]["k"]
    expected = [-r.mean() + memory["k"].clone() * f.mean() for r, f, memory in zip(real, fake, kept, strict=True)]
    torch.testing.assert_close(loss.discriminator(real, fake, memory=memory), sum(expected) / 2)
