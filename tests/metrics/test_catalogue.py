from __future__ import annotations

import math
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from ablate.metrics import Scope, bounds_of, extractors, in_reading_order, metrics
from ablate.metrics.jackknife import UNBOUNDED
from ablate.networks import dinov2, inception, lite0
from ablate.registry import UnknownNameError

DIRECTIONS = {
    "psnr": ("higher", "dB"),
    "psnr_hvs_m": ("higher", "dB"),
    "sharpness": (None, "levels^2"),
    "sharpness_ratio": (None, ""),
    "ssim": ("higher", ""),
    "ms_ssim": ("higher", ""),
    "ms_ssim_3": ("higher", ""),
    "lpips_alex": ("lower", ""),
    "lpips_vgg": ("lower", ""),
    "dists": ("lower", ""),
    "fd_lite0_112": ("lower", ""),
    "fd_lite0_1280": ("lower", ""),
    "kid_paired_lite0_112": ("lower", ""),
    "kid_paired_lite0_1280": ("lower", ""),
    "fid": ("lower", ""),
    "kid_paired": ("lower", ""),
    "sfid": ("lower", ""),
    "kid_paired_inception_2023": ("lower", ""),
    "fd_dinov2_1024": ("lower", ""),
    "kid_paired_dinov2_1024": ("lower", ""),
    "bpp_bound": ("lower", "bit/pixel"),
    "bpp_entropy": ("lower", "bit/pixel"),
    "bpp_actual": ("lower", "bit/pixel"),
    "bpp_side": ("lower", "bit/pixel"),
}


def test_every_metric_says_which_direction_is_better_and_its_unit() -> None:
    assert {name: (metrics[name].direction, metrics[name].unit) for name in metrics} == DIRECTIONS


@pytest.mark.parametrize("name", DIRECTIONS)
def test_every_metric_has_a_label_a_formula_and_a_source(name: str) -> None:
    entry = metrics[name]
    assert entry.name == name
    assert entry.label
    assert entry.formula
    assert entry.source


def test_a_name_that_is_no_metric_is_answered_with_those_that_are() -> None:
    with pytest.raises(UnknownNameError, match=r"unknown metric 'pnsr' .*did you mean 'psnr'"):
        metrics["pnsr"]


def test_the_catalogues_are_read_without_torch() -> None:
    code = "import sys; from ablate.metrics.catalogue import extractors, metrics; [*metrics, *extractors]; "
    subprocess.run([sys.executable, "-c", code + "assert 'torch' not in sys.modules"], check=True)


def test_extractors_state_taps_preprocessing_weights_and_licence() -> None:
    taps = {name: tuple(extractors[name].facts["taps"]) for name in extractors}
    assert taps == {"lite0": (112, 1280), "inception": (2048, 2023), "dinov2": (1024,)}
    for sha256 in (lite0.LITE0.sha256, inception.WEIGHTS.sha256, dinov2.WEIGHTS.sha256):
        assert re.fullmatch("[0-9a-f]{64}", sha256)
    for name in extractors:
        facts = extractors[name].facts
        assert facts["preprocessing"]
        assert facts["licence"] == "Apache-2.0"


def test_only_inceptions_distance_is_called_fid() -> None:
    assert [name for name in metrics if metrics[name].label == "FID"] == ["fid"]
    assert [name for name in metrics if name.startswith("fid")] == ["fid"]
    assert [name for name in metrics if metrics[name].label == "sFID"] == ["sfid"]
    assert (
        metrics["sfid"].needs.extractor == metrics["kid_paired_inception_2023"].needs.extractor == ("inception", 2023)
    )
    assert metrics["sfid"].needs.patches == 2024


def test_the_kernel_distance_of_pairs_does_not_pass_for_the_kid_of_papers() -> None:
    assert metrics["kid_paired"].label == "KID (paired)"
    assert [name for name in metrics if metrics[name].label == "KID"] == []


def test_a_reader_sees_quality_then_perception_then_bits() -> None:
    shown = [each.name for each in in_reading_order({"bpp_bound", "fd_lite0_112", "psnr", "bpp_actual", "ms_ssim"})]
    assert shown == ["psnr", "ms_ssim", "fd_lite0_112", "bpp_actual", "bpp_bound"]


def test_what_a_metric_needs_says_whether_an_evaluation_must_ask_for_it() -> None:
    always = [name for name in metrics if not metrics[name].by_choice]
    assert set(always) == {"psnr", "ssim", "ms_ssim", "ms_ssim_3", "bpp_bound", "bpp_entropy", "bpp_actual"}
    assert {name for name in metrics if metrics[name].learned} == {"lpips_alex", "lpips_vgg", "dists"}
    by_name = {"psnr_hvs_m", "sharpness", "sharpness_ratio", "bpp_side"}
    assert {name for name in metrics if not metrics[name].default} == by_name
    assert metrics["fd_lite0_1280"].needs.extractor == ("lite0", 1280)
    assert metrics["lpips_alex"].weights_facts().keys() == {"weights_sha256", "heads_sha256"}


def test_every_metric_of_images_is_undefined_below_the_side_that_it_states() -> None:
    for metric in (metrics[name] for name in metrics):
        if metric.scope is Scope.image and metric.needs.smallest_side > 1 and not metric.learned:
            side = metric.needs.smallest_side
            image = torch.zeros(1, 3, side, side + 4, dtype=torch.uint8)
            assert metric.function(image, image + 9).isfinite().all(), metric.name
            with pytest.raises(ValueError, match=f"both sides must be {side} or more"):
                metric.function(image[:, :, 1:], image[:, :, 1:])


def test_bounds_are_those_that_a_figure_cannot_leave() -> None:
    bounds = {name: metrics[name].bounds for name in metrics}
    assert bounds["ssim"] == (-1, 1)
    assert bounds["ms_ssim"] == bounds["ms_ssim_3"] == (0, 1)
    assert bounds["psnr"] == bounds["kid_paired"] == bounds_of("ms_ssim_db") == UNBOUNDED
    positive = {name for name in metrics if bounds[name] == (0, math.inf)}
    distances = {name for name in metrics if name.startswith(("f", "sfid", "sharpness", "lpips", "dists", "bpp"))}
    assert positive == distances


def test_weights_that_are_absent_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with pytest.raises(ValueError, match=r"the weights alexnet.* are absent"):
        metrics["lpips_alex"].require_weights()
    metrics["psnr"].require_weights()


def test_a_file_among_those_of_images_is_all_that_a_metric_takes(tmp_path: Path) -> None:
    (tmp_path / "sameness.py").write_text(
        "from ablate.plugins import metric\n"
        "@metric(label='Same', unit='', direction='higher', formula='share of equals', source='a test')\n"
        "def sameness(originals, reconstructions):\n"
        "    return (originals == reconstructions).double().mean((1, 2, 3))\n"
    )
    code = (
        "import sys, ablate.metrics.images as images; images.__path__.append(sys.argv[1]);"
        "from ablate.metrics.catalogue import metrics; assert metrics['sameness'].label == 'Same';"
        "from ablate.config import Evaluation; assert 'sameness' in Evaluation().measured"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True)


def test_figures_of_a_kept_region_say_that_they_are() -> None:
    assert metrics["bpp_actual@kept"].formula.endswith("/ (H W); of the whole file, H W being the pixels of the region")
    assert metrics["psnr@kept"].formula.endswith("channels; of the region alone")
    assert metrics["psnr@kodak"].formula == metrics["psnr"].formula
