"""The losses as other programs use them."""

import pytest
import torch

from ablate.losses import adversarial, distortion, penalty

SCALES = [torch.randn(2, 1, n, n, generator=torch.Generator().manual_seed(n)) for n in (8, 4)]
OTHERS = [logits + 0.5 for logits in SCALES]


def test_options_are_the_losses_own() -> None:
    smooth = adversarial("lsgan", real_target=0.9).discriminator(SCALES, OTHERS)
    assert smooth != adversarial("lsgan").discriminator(SCALES, OTHERS)
    with pytest.raises(ValueError, match=r"real_targt.*did you mean 'real_target'"):
        adversarial("lsgan", real_targt=0.9)


@pytest.mark.parametrize(("find", "name"), [(adversarial, "hing"), (distortion, "ms_sim"), (penalty, "r11")])
def test_an_unknown_name_is_told_with_the_nearest(find, name) -> None:
    with pytest.raises(ValueError, match=rf"'{name}'.*did you mean"):
        find(name)


def test_a_distortion_refuses_images_of_other_shapes() -> None:
    image = torch.zeros(2, 3, 8, 8)
    assert distortion("mse")(image, image + 0.5).item() == pytest.approx(0.25)
    with pytest.raises(ValueError, match="the image is"):
        distortion("mse")(image, image[:1])
