"""The presets that ship."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ablate.grid import Grid, preset_names, preset_text, system_names
from ablate.grid.cell_keys import cell_keys

ReadGrid = Callable[[str], Grid]


def leaves(table: dict[str, Any], prefix: str = "") -> Iterator[str]:
    for key, value in table.items():
        if isinstance(value, dict) and prefix + key not in cell_keys():  # a term with options is a setting
            yield from leaves(value, f"{prefix}{key}.")
        else:
            yield prefix + key


def test_the_presets_are_hific_and_paper_at_their_full_size_and_three_for_cpus() -> None:
    assert preset_names() == ("hific", "hific_small", "paper", "small", "tiny")


@pytest.mark.parametrize("name", preset_names())
def test_a_preset_writes_every_setting_out_but_directories_options_of_a_source_and_an_early_end(name: str) -> None:
    own = {"data.path", "data.train", "data.test", "data.options", "evaluation.sets", "train.stop_at"}
    own |= {"data.validation", "data.validation_fraction"}  # there is none where nobody asks for it
    own |= set() if name.startswith("hific") else {"loss.rate_target"}  # none is kept
    own |= set() if name == "hific" else {"loss.lambda_r_below"}  # of two levels alone
    own |= {"data.maps"}  # there are none
    own |= {"train.start.file", "train.start.sha256", "train.start.cell"}  # first weights are drawn
    assert set(leaves(tomllib.loads(preset_text(name)))) == set(cell_keys()) - own


@pytest.mark.parametrize("name", preset_names())
def test_a_preset_alone_is_a_cell(grid: ReadGrid, name: str) -> None:
    (point,) = grid(f'[base]\npreset = "{name}"').points()
    assert point.cell.data.source == "photos"


def test_the_paper_preset_is_the_source_system(grid: ReadGrid) -> None:
    """The numbers of the reference: Agustsson et al. 2019 in the form of Justin-Tan/generative-compression."""
    (point,) = grid('[base]\npreset = "paper"').points()
    cell = point.cell
    model = cell.model
    assert (model.width, model.downsamplings, model.residual_blocks, model.channels) == (60, 4, 9, 8)
    assert (model.norm, model.noise, model.quantizer.levels) == ("instance", True, 5)
    critic = cell.discriminator
    assert (critic.width, critic.layers, critic.scales, critic.norm) == (64, 4, 3, "instance")
    loss = cell.loss
    assert (loss.adversarial.name, loss.distortion.name, loss.feature_matching.name) == ("lsgan", "mse", "source")
    assert (loss.lambda_x, loss.feature_matching_weight, loss.adversarial_weight) == (12, 10, 1)
    assert (loss.scale_reduction, loss.generator_scales) == ("sum", "finest")
    assert cell.optimizers.generator == cell.optimizers.discriminator
    adam = cell.optimizers.generator
    assert (adam.learning_rate, adam.beta1, adam.beta2, adam.epsilon) == (2e-4, 0.5, 0.999, 1e-8)
    assert (cell.data.batch_size, cell.data.crop, cell.train.warmup_steps) == (1, 512, 0)
    assert cell.warmup is None


def test_the_hific_preset_is_the_release_at_its_lowest_rate(grid: ReadGrid) -> None:
    """models/hific of tensorflow/compression: configs.py, archs.py, and the paper's section 4.2."""
    (point,) = grid('[base]\npreset = "hific"').points()
    cell, loss = point.cell, point.cell.loss
    model = cell.model
    assert (model.width, model.downsamplings, model.residual_blocks, model.channels) == (60, 4, 9, 220)
    assert (model.norm, model.prior, model.prior_width) == ("channel", "hyperprior", 320)
    critic = cell.discriminator
    assert (critic.kind.name, critic.width, critic.layers, critic.norm, critic.spectral_norm) == (
        "latent", 64, 3, "none", True,
    )  # fmt: skip
    assert (loss.adversarial.name, loss.adversarial_weight, loss.feature_matching.name) == ("vanilla", 0.15, "none")
    assert loss.lambda_x == pytest.approx(0.75 * 0.1 * 2**-5 * 127.5**2)
    assert loss.lambda_r == pytest.approx(0.1 * 2**-5 / (0.1 * 2**-6))
    assert (loss.rate_target, loss.rate_control, loss.perceptual.options) == (0.14, "two_level", {"network": "alex"})
    assert (loss.lambda_r, loss.lambda_r_below) == (2.0, 2**-4)
    assert (cell.data.crop, cell.data.batch_size, cell.optimizers.generator.learning_rate) == (256, 8, 1e-4)


def test_what_the_base_says_goes_over_the_preset(grid: ReadGrid) -> None:
    (point,) = grid('[base]\npreset = "paper"\nmodel.width = 8\nloss.adversarial = "hinge"').points()
    assert (point.cell.model.width, point.cell.model.residual_blocks) == (8, 9)
    assert point.cell.loss.adversarial.name == "hinge"


def test_an_option_alone_goes_into_the_loss_of_the_preset(grid: ReadGrid) -> None:
    (point,) = grid('[base]\npreset = "paper"\n[base.loss.adversarial]\nreal_target = 0.9').points()
    adversarial = point.cell.loss.adversarial
    assert (adversarial.name, adversarial.options["real_target"], adversarial.options["fake_target"]) == (
        "lsgan",
        0.9,
        0.0,
    )


@pytest.mark.parametrize("name", system_names())
def test_a_systems_losses_go_on_top_of_a_codec(grid: ReadGrid, name: str) -> None:
    (point,) = grid(f'[base]\npreset = ["tiny", "{name}"]').points()
    (tiny,) = grid('[base]\npreset = "tiny"').points()
    assert point.cell.loss != tiny.cell.loss
    assert point.cell.model == tiny.cell.model
    assert point.cell.data == tiny.cell.data


def test_later_presets_change_what_earlier_ones_say(grid: ReadGrid) -> None:
    (point,) = grid('[base]\npreset = ["as_seed", "tiny"]\nloss.lambda_x = 3').points()
    assert (point.cell.loss.adversarial.name, point.cell.loss.lambda_x) == ("hinge", 3)
