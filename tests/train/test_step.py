"""What a training step changes, and what it must leave alone."""

from __future__ import annotations

import tomllib
from pathlib import Path

import torch

from ablate.config import Cell
from ablate.grid.presets import preset_text
from ablate.losses import Penalty
from ablate.objective import Objective
from ablate.rng import stream
from ablate.train.discriminator_step import discriminator_step
from ablate.train.state import TrainState
from ablate.train.step import descend, generator_terms


def cell(train: dict | None = None, **loss: object) -> Cell:
    return Cell.model_validate(
        {
            "data": {"crop": 32, "batch_size": 2},
            "model": {"width": 4, "downsamplings": 2, "residual_blocks": 1, "norm": "channel", "channels": 2},
            "discriminator": {"width": 4, "layers": 2, "norm": "channel", "scales": loss.pop("scales", 3)},
            "loss": loss,
            "train": train or {},
        }
    )


def image() -> torch.Tensor:
    return torch.rand(2, 3, 32, 32, generator=stream(0, "test.image")) * 2 - 1


def started(settings: Cell) -> tuple[TrainState, Objective, torch.Tensor]:
    return TrainState.for_cell(settings, "cpu"), Objective.build(settings.loss), image()


def test_discriminator_step_leaves_the_codec_untouched() -> None:
    state, objective, x = started(cell())
    reconstruction = state.codec(x)
    before = [p.clone() for p in state.discriminator.parameters()]
    discriminator_step(state, objective, cell(), 0, x, reconstruction)
    assert all(p.grad is None for p in state.codec.parameters())
    assert not all(torch.equal(a, b) for a, b in zip(before, state.discriminator.parameters(), strict=True))


def test_generator_step_leaves_no_gradient_in_the_discriminator() -> None:
    state, objective, x = started(cell())
    reconstruction = state.codec(x)
    parts = generator_terms(state, objective, x, reconstruction, "float32")
    assert set(parts.terms) == {"distortion", "adversarial", "feature_matching"}
    descend(state, parts.total)
    assert all(p.grad is None for p in state.discriminator.parameters())
    assert all(p.requires_grad for p in state.discriminator.parameters())


def test_one_forward_serves_both_players_and_the_encoder_learns_from_it() -> None:
    state, objective, x = started(cell())
    reconstruction = state.codec(x)
    discriminator_step(state, objective, cell(), 0, x, reconstruction)
    before = [p.clone() for p in state.codec.encoder.parameters()]
    descend(state, generator_terms(state, objective, x, reconstruction, "float32").total)
    moved = [not torch.equal(a, b) for a, b in zip(before, state.codec.encoder.parameters(), strict=True)]
    assert all(moved)


def adversarial_gradient(settings: Cell) -> torch.Tensor:
    state, objective, x = started(settings)
    reconstruction = state.codec(x)
    parts = generator_terms(state, objective, x, reconstruction, "float32")
    (gradient,) = torch.autograd.grad(parts.terms["adversarial"], reconstruction.image)
    return gradient


def test_depth_changes_the_generators_gradient_through_the_adversarial_term_alone() -> None:
    one, three = (adversarial_gradient(cell(scales=k, feature_matching="none")) for k in (1, 3))
    difference = (one - three).norm() / one.norm()
    assert difference > 0.1
    finest = [adversarial_gradient(cell(scales=k, feature_matching="none", generator_scales="finest")) for k in (1, 3)]
    torch.testing.assert_close(finest[0], finest[1])


def test_bfloat16_runs_the_networks_and_keeps_losses_in_float32() -> None:
    state, objective, x = started(cell())
    with torch.autocast("cpu", torch.bfloat16):
        reconstruction = state.codec(x)
    output = discriminator_step(state, objective, cell({"precision": "bfloat16"}), 0, x, reconstruction)
    assert output.real[0].dtype is torch.bfloat16
    assert output.loss.dtype is torch.float32
    parts = generator_terms(state, objective, x, reconstruction, "bfloat16")
    assert parts.total.dtype is torch.float32
    descend(state, parts.total)


def test_average_starts_equal_and_follows_the_weights() -> None:
    state, objective, x = started(cell())
    descend(state, generator_terms(state, objective, x, state.codec(x), "float32").total)
    state.step = 1
    raw, average = next(state.codec.parameters()), next(state.average.parameters())
    before = average.clone()
    assert not torch.equal(before, raw)
    assert not any(parameter.requires_grad for parameter in state.average.parameters())
    state.update_average(0.999)
    expected = before + (raw - before) * (1 - 2 / 11)
    torch.testing.assert_close(average, expected)


def stepped_once(settings: Cell) -> tuple[TrainState, torch.Tensor]:
    """Returns the state and the discriminators' loss after one step of theirs."""
    state, objective, x = started(settings)
    return state, discriminator_step(state, objective, settings, 0, x, state.codec(x)).loss


def test_a_penalty_adds_to_the_discriminators_loss_and_steps_them_elsewhere() -> None:
    plain, loss = stepped_once(cell())
    punished, more = stepped_once(cell(penalties=["r1"]))
    assert more > loss
    weights = [next(state.discriminator.parameters()) for state in (plain, punished)]
    assert not torch.equal(*weights)


def test_a_lazy_penalty_is_added_only_when_it_is_due() -> None:
    settings = cell(penalties=[{"name": "r1", "every": 4}])
    losses = []
    for number in (1, 4):
        state, objective, x = started(settings)
        losses.append(discriminator_step(state, objective, settings, number, x, state.codec(x)).loss)
    assert losses[0] == stepped_once(cell())[1]
    assert losses[1] > losses[0]


def test_each_penalty_draws_from_a_stream_of_its_own() -> None:
    alone = stepped_once(cell(penalties=["gp"]))[1] - stepped_once(cell())[1]
    beside = stepped_once(cell(penalties=["dragan", "gp"]))[1] - stepped_once(cell(penalties=["dragan"]))[1]
    torch.testing.assert_close(alone, beside, rtol=1e-4, atol=1e-5)


def test_a_penalty_sees_float32_whatever_the_networks_run_in() -> None:
    seen = []
    settings = cell({"precision": "bfloat16"}, penalties=["r2"])
    state, objective, x = started(settings)
    objective.penalties["r2"] = Penalty(lambda inputs: seen.append(inputs) or [each.mean() for each in inputs.fake])
    with torch.autocast("cpu", torch.bfloat16):
        reconstruction = state.codec(x)
    assert reconstruction.image.dtype is torch.bfloat16
    discriminator_step(state, objective, settings, 0, x, reconstruction)
    (inputs,) = seen
    looked_at = [inputs.image, inputs.reconstruction, *inputs.real, *inputs.fake, *inputs.logits(inputs.image)]
    assert {each.dtype for each in looked_at} == {torch.float32}
    assert not inputs.reconstruction.requires_grad


def test_a_penalty_on_one_network_reaches_no_other() -> None:
    state, _ = stepped_once(cell(penalties=["r1", "r2", "lecam", "ar1"]))
    assert all(p.grad is None for p in state.codec.parameters())


def test_clipping_bounds_the_discriminators_after_their_step() -> None:
    state, _ = stepped_once(cell(penalties=[{"name": "clip", "bound": 0.02}]))
    assert max(float(p.detach().abs().max()) for p in state.discriminator.parameters()) <= 0.02


def test_a_loss_that_remembers_keeps_something_of_each_scale_through_a_checkpoint(tmp_path: Path) -> None:
    settings = cell(adversarial={"name": "began", "rate": 0.1})
    state, _ = stepped_once(settings)
    assert sorted(state.memory) == ["adversarial.0", "adversarial.1", "adversarial.2"]
    for kept in state.memory.values():
        kept["k"].fill_(0.5)
    with open(tmp_path / "state.pt", "wb") as file:
        state.save(file)
    resumed, forgetful = (TrainState.for_cell(settings, "cpu") for _ in range(2))
    for each in (resumed, forgetful):
        each.load(tmp_path / "state.pt")
    forgetful.memory = {}
    x, objective = image(), Objective.build(settings.loss)
    went_on, also, other = (
        float(discriminator_step(each, objective, settings, 1, x, each.codec(x)).loss)
        for each in (state, resumed, forgetful)
    )
    assert went_on == also != other


def test_a_discriminator_over_labels_looks_at_the_symbols_of_the_image() -> None:
    settings = cell(adversarial="oasis", scales=1)
    state, objective, x = started(settings)
    reconstruction = state.codec(x)
    others = reconstruction._replace(symbols=(reconstruction.symbols + 1) % 5)
    own, other = (
        generator_terms(state, objective, x, each, "float32").terms["adversarial"] for each in (reconstruction, others)
    )
    assert own != other
    own, other = (
        discriminator_step(TrainState.for_cell(settings, "cpu"), objective, settings, 0, x, each).loss
        for each in (reconstruction, others)
    )
    assert own != other


def test_quirk_of_untrained_coarse_discriminators_steps_the_finest_alone() -> None:
    settings = cell({"quirks": {"coarse_untrained": True}}, penalties=["r1"])
    before = TrainState.for_cell(settings, "cpu").discriminator.state_dict()
    after = stepped_once(settings)[0].discriminator.state_dict()
    moved = {name.partition(".")[0] for name in before if not torch.equal(before[name], after[name])}
    assert moved == {"0"}


def test_quirk_of_untrained_coarse_discriminators_leaves_them_to_feature_matching() -> None:
    quirk = {"quirks": {"coarse_untrained": True}}
    for reduction in ("mean", "sum"):
        untrained, one = (
            adversarial_gradient(cell(train, scales=scales, scale_reduction=reduction))
            for train, scales in ((quirk, 3), (None, 1))
        )
        torch.testing.assert_close(untrained, one)
    state, objective, x = started(cell(quirk))
    reconstruction = state.codec(x)
    matching = generator_terms(state, objective, x, reconstruction, "float32").terms["feature_matching"]
    features = torch.autograd.grad(matching, reconstruction.image, retain_graph=True)[0]
    state.discriminator[2].trunk.convs[0].conv.weight.data.mul_(2)
    other = generator_terms(state, objective, x, reconstruction, "float32").terms["feature_matching"]
    assert not torch.equal(torch.autograd.grad(other, reconstruction.image)[0], features)


def test_one_step_of_the_whole_paper_preset_runs_on_a_small_crop() -> None:
    settings = Cell.model_validate(tomllib.loads(preset_text("paper")))
    state, objective = TrainState.for_cell(settings, "cpu"), Objective.build(settings.loss)
    x = torch.rand(1, 3, 64, 64, generator=stream(0, "test.image")) * 2 - 1
    reconstruction = state.codec(x, stream(0, "test.noise"))
    output = discriminator_step(state, objective, settings, 0, x, reconstruction)
    parts = generator_terms(state, objective, x, reconstruction, "float32")
    descend(state, parts.total)
    assert all(torch.isfinite(value) for value in (output.loss, parts.total))
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in state.codec.parameters())
    # The coarser scales end in single pixels here, which instance norm makes constant.
    assert all(p.grad is not None for p in state.discriminator[0].parameters())
