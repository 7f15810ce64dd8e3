"""The preflight of a cell finds what is put wrong on purpose."""

from torch.backends import cudnn

from ablate.data import prepare
from ablate.train.preflight import preflight
from ablate.train.state import TrainState


def verdicts(cell, cache) -> dict[str, str]:
    images = [prepare(cell.data, split, cache) for split in ("train", "test")]
    found = preflight(cell, *images, "cpu")
    assert all(finding.advice for finding in found if finding.verdict != "ok")
    assert all(finding.found for finding in found)
    return {finding.check: finding.verdict for finding in found}


def test_a_sound_cell_has_no_problem(make_cell, tmp_path) -> None:
    found = verdicts(make_cell(model={"noise": True}), tmp_path)
    assert "problem" not in found.values(), found
    checks = {"ranges", "quantizer", "noise", "scales", "encoder", "discriminators", "balance", "average", "extractor"}
    assert set(found) == checks | {"test images"}


def test_a_dead_encoder_is_a_problem(make_cell, tmp_path) -> None:
    assert verdicts(make_cell(model={"quirks": {"round_kills_encoder": True}}), tmp_path)["encoder"] == "problem"


def test_centers_out_of_reach_are_told(make_cell, tmp_path) -> None:
    found = verdicts(make_cell(model={"quirks": {"relu_before_quantizer": True}}), tmp_path)
    assert found["quantizer"] == "warning"


def test_noise_without_effect_is_a_problem(make_cell, tmp_path) -> None:
    blind = make_cell(model={"noise": True, "quirks": {"noise_batch_norm": True}})
    assert verdicts(blind, tmp_path)["noise"] == "problem"


def test_scales_that_do_not_reach_the_generator_are_a_problem(make_cell, tmp_path) -> None:
    assert verdicts(make_cell(loss={"adversarial": "softmax1"}), tmp_path)["scales"] == "problem"
    assert verdicts(make_cell(loss={"generator_scales": "finest"}), tmp_path)["scales"] == "ok"


def test_a_distortion_that_another_term_drowns_is_told(make_cell, tmp_path) -> None:
    assert verdicts(make_cell(loss={"lambda_x": 1e-4}), tmp_path)["balance"] == "warning"


def test_an_average_that_is_none_is_told(make_cell, tmp_path) -> None:
    assert verdicts(make_cell(train={"ema_decay": 0.0}), tmp_path)["average"] == "warning"


def test_the_control_without_a_gan_is_looked_over_too(make_cell, tmp_path) -> None:
    found = verdicts(make_cell(loss={"adversarial": "none", "feature_matching": "none"}), tmp_path)
    assert "scales" not in found
    assert found["encoder"] == "ok"


def test_training_against_the_judge_is_told(make_cell, tmp_path) -> None:
    assert verdicts(make_cell(loss={"perceptual": "perceptual_lite0"}), tmp_path)["extractor"] == "warning"


def test_the_batch_is_computed_in_the_arithmetic_of_a_training(make_cell, tmp_path, monkeypatch) -> None:
    passes: list[tuple[str, bool]] = []
    sound = TrainState.for_cell

    def watched(cell, device: str) -> TrainState:
        state = sound(cell, device)
        for module in (state.codec, state.discriminator):
            module.register_forward_hook(lambda *_: passes.append(("forward", cudnn.allow_tf32)))
            next(module.parameters()).register_hook(lambda _: passes.append(("backward", cudnn.allow_tf32)))
        return state

    monkeypatch.setattr(TrainState, "for_cell", watched)
    assert cudnn.allow_tf32, "torch's default"
    verdicts(make_cell(), tmp_path)
    assert set(passes) == {("forward", False), ("backward", False)}
    assert cudnn.allow_tf32
