"""The losses as other programs use them."""

import pytest
import torch

from ablate.losses import adversarial, distortion, penalty

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


def test_options_are_the_losses_own() -> None:
    smooth = adversarial("lsgan", real_target=0.9).discriminator(SCALES, OTHERS)
    assert smooth != adversarial("lsgan").discriminator(SCALES, OTHERS)
    with pytest.raises(ValueError, match=r"real_targt.*did you mean 'real_target'"):
        adversarial("lsgan", real_targt=0.9)


@pytest.mark.parametrize(("find", "name"), [(adversarial, "hing"), (distortion, "ms_sim"), (penalty, "r11")])
def test_an_unknown_name_is_told_with_the_nearest(find, name) -> None:
    with pytest.raises(ValueError, match=rf"'{name}'.*did you mean"):
        find(name)


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


def test_a_distortion_refuses_images_of_other_shapes() -> None:
    image = torch.zeros(2, 3, 8, 8)
    assert distortion("mse")(image, image + 0.5).item() == pytest.approx(0.25)
    with pytest.raises(ValueError, match="the image is"):
        distortion("mse")(image, image[:1])
