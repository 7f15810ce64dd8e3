import dataclasses
from pathlib import Path

import pytest

from ablate.check.probe import differing, measure
from ablate.metrics import metrics

EVALUATION = {"extractor": "lite0", "tap": 112, "patch": 64}


@pytest.fixture(scope="module")
def measured() -> dict[str, float | None]:
    return measure(EVALUATION)


def test_a_probe_measures_every_metric_that_a_cell_has(measured):
    expected = {"psnr", "ms_ssim", "bpp_bound", "bpp_entropy", "bpp_actual", "fd_lite0_112"}
    assert expected <= measured.keys()
    assert all(measured[name] for name in expected)


def test_a_probe_repeats_itself(measured):
    assert measure(EVALUATION) == measured


def test_a_changed_formula_shows_in_its_own_metric_only(measured, monkeypatch: pytest.MonkeyPatch):
    true = metrics["psnr"]
    changed = dataclasses.replace(true, function=lambda *images: true.function(*images) + 0.01)
    monkeypatch.setitem(metrics._entries, "psnr", changed)
    said = differing(measured, measure(EVALUATION))
    assert list(said) == ["psnr"]
    assert "the metric itself changed" in said["psnr"].detail


def test_another_protocol_shows(measured):
    assert "fd_lite0_112" in differing(measured, measure(EVALUATION | {"patch": 32}))


def test_rounding_is_no_change_and_an_undefined_value_is():
    assert differing({"psnr": 20.0, "ms_ssim": None}, {"psnr": 20.001, "ms_ssim": None}) == {}
    assert differing({"psnr": 20.0}, {"psnr": 20.01}).keys() == {"psnr"}
    assert "0.5 became undefined" in differing({"ms_ssim": 0.5}, {"ms_ssim": None})["ms_ssim"].detail


def test_a_probe_leaves_no_file_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    measure(EVALUATION)
    assert list(tmp_path.iterdir()) == []
