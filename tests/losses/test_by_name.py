"""The losses as other programs use them."""

import pytest
import torch

from ablate.config import Loss
from ablate.losses import adversarial, distortion, penalty
from ablate.losses.catalogue import adversarial_losses, distortions, feature_matchings, penalties

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


WEIGHTS = [
    (entry, option)
    for registry in (adversarial_losses, distortions, feature_matchings, penalties)
    for entry in map(registry.__getitem__, registry)
    for option in entry.options
    if "weight" in option
]


@pytest.mark.parametrize(("entry", "option"), WEIGHTS, ids=[f"{entry.name}-{option}" for entry, option in WEIGHTS])
@pytest.mark.parametrize("value", [-0.001, float("inf"), float("nan"), 10**400])
def test_a_weight_below_zero_or_not_finite_is_refused_whichever_function_has_it(entry, option, value) -> None:
    with pytest.raises(ValueError, match=f"option '{option}' of {entry.name} = .*finite number at least 0"):
        entry.resolve({option: value})
    assert entry.resolve({option: 0})[option] == 0.0


@pytest.mark.parametrize("setting", [name for name, field in Loss.model_fields.items() if field.annotation is float])
@pytest.mark.parametrize("value", [-0.001, float("inf"), float("nan")])
def test_a_weight_among_the_settings_is_refused_alike(setting, value) -> None:
    with pytest.raises(ValueError, match=setting):
        Loss.model_validate({setting: value})


@pytest.mark.parametrize("value", [float("inf"), float("-inf"), float("nan")])
def test_no_option_of_a_loss_is_a_number_that_is_not_finite(value) -> None:
    with pytest.raises(ValueError, match=r"option 'real_target' of lsgan = .*finite number"):
        adversarial("lsgan", real_target=value)


@pytest.mark.parametrize(("name", "channels"), [("oasis", 1), ("oasis", 3), ("hinge", 2)])
def test_logits_that_a_loss_is_not_of_are_refused_with_what_it_needs(name, channels) -> None:
    logits = torch.zeros(2, channels, 4, 4)
    needed = {"oasis": r"\(N, 2, h, w\), log p\(reconstruction\) and log p", "hinge": r"\(N, 1, h, w\), one logit"}
    for player in (adversarial(name).discriminator, adversarial(name).generator):
        with pytest.raises(ValueError, match=rf"needs logits {needed[name]}.*these are \(2, {channels}, 4, 4\)"):
            player(logits, logits)
