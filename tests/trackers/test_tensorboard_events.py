"""Event files as TensorBoard's own reader finds them."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image

from ablate.records import Status
from tests.trackers.attempts import PARAMETERS, attempt, killed_then_done, made_entry

pytest.importorskip("tensorboard")
pytestmark = pytest.mark.filterwarnings("ignore")


def read(root: Path, *, runs: int = 1):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    directories = list((root / "runs/losses/tensorboard").iterdir())
    assert len(directories) == runs
    return EventAccumulator(str(directories[0]), {"scalars": 0, "images": 0, "tensors": 0}).Reload()


def test_a_training_that_goes_on_is_one_run_with_every_log_point_once(tmp_path: Path):
    killed_then_done(made_entry(tmp_path), "tensorboard")
    found = read(tmp_path)
    assert [(each.step, each.value) for each in found.Scalars("loss/generator")] == [
        (step, pytest.approx(1 / step)) for step in (1, 4, 8, 12)
    ]
    assert [each.step for each in found.Scalars("scales/0/accuracy_real")] == [1, 4, 8, 12]
    assert [each.value for each in found.Scalars("gradient_norm/encoder")] == [2.0] * 4
    assert [(each.step, each.value) for each in found.Scalars("final/ema/psnr")] == [(12, 30.5)]
    assert "final/ema/ms_ssim" not in found.Tags()["scalars"]


def test_batches_stand_above_their_reconstructions_and_test_images_are_those_that_were_measured(tmp_path: Path):
    killed_then_done(made_entry(tmp_path), "tensorboard images=3")
    found = read(tmp_path)
    sheets = found.Images("batch/image above reconstruction")
    assert [each.step for each in sheets] == [1, 4, 8, 12]
    sheet = Image.open(io.BytesIO(sheets[-1].encoded_image_string))
    assert (sheet.size, sheet.getpixel((0, 0)), sheet.getpixel((31, 15))) == ((32, 16), (128,) * 3, (255,) * 3)
    (kept,) = found.Images("test/lena")
    assert (kept.step, kept.width, kept.height) == (12, 8, 4)


def test_images_are_as_many_as_wanted(tmp_path: Path):
    killed_then_done(made_entry(tmp_path), "tensorboard images=0")
    assert read(tmp_path).Tags()["images"] == []


def test_settings_are_hyper_parameters_beside_the_final_figures(tmp_path: Path):
    from tensorboard.plugins.hparams import metadata
    from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

    killed_then_done(made_entry(tmp_path), "tensorboard")
    content = read(tmp_path).PluginTagToContent(metadata.PLUGIN_NAME)
    data = {tag: HParamsPluginData.FromString(each) for tag, each in content.items()}
    given = data[metadata.SESSION_START_INFO_TAG].session_start_info.hparams
    plain = {name: getattr(value, value.WhichOneof("kind")) for name, value in given.items()}
    assert plain == {**PARAMETERS, "loss.penalties": "[]"}
    experiment = data[metadata.EXPERIMENT_TAG].experiment
    assert [each.name.tag for each in experiment.metric_infos] == ["final/ema/psnr"]
    assert metadata.SESSION_END_INFO_TAG in data


def test_one_that_is_asked_for_later_is_told_what_was_logged_before(tmp_path: Path):
    entry = made_entry(tmp_path)
    attempt(entry, (), 0, [1, 4], Status.interrupted)
    attempt(entry, ("tensorboard directory=events",), 4, [8], Status.interrupted)
    (tmp_path / "runs/losses/events").rename(tmp_path / "runs/losses/tensorboard")
    assert [each.step for each in read(tmp_path).Scalars("loss/generator")] == [1, 4, 8]
