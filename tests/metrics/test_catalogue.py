from __future__ import annotations

import re
import subprocess
import sys

import pytest

from ablate.metrics import extractors, metrics
from ablate.metrics.naming import EXTRACTOR_TAPS
from ablate.registry import UnknownNameError

DIRECTIONS = {
    "psnr": ("higher", "dB"),
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
    "fd_dinov2_1024": ("lower", ""),
    "kid_paired_dinov2_1024": ("lower", ""),
    "bpp_bound": ("lower", "bit/pixel"),
    "bpp_entropy": ("lower", "bit/pixel"),
    "bpp_actual": ("lower", "bit/pixel"),
}


def test_every_metric_says_which_direction_is_better_and_its_unit() -> None:
    assert {name: (metrics[name].facts["direction"], metrics[name].facts["unit"]) for name in metrics} == DIRECTIONS


@pytest.mark.parametrize("name", DIRECTIONS)
def test_every_metric_has_a_label_a_formula_and_a_source(name: str) -> None:
    entry = metrics[name]
    assert entry.facts["label"]
    assert entry.formula
    assert entry.source


def test_a_name_that_is_no_metric_is_answered_with_those_that_are() -> None:
    with pytest.raises(UnknownNameError, match=r"unknown metric 'pnsr' .*did you mean 'psnr'"):
        metrics["pnsr"]


def test_the_catalogue_is_read_without_torch() -> None:
    code = "import sys; from ablate.metrics.catalogue import metrics; [metrics[name] for name in metrics]; "
    subprocess.run([sys.executable, "-c", code + "assert 'torch' not in sys.modules"], check=True)


def test_extractors_state_taps_preprocessing_weights_and_licence() -> None:
    assert {name: extractors[name].facts["taps"] for name in extractors} == EXTRACTOR_TAPS
    for name in extractors:
        facts = extractors[name].facts
        assert re.fullmatch("[0-9a-f]{64}", facts["weights_sha256"])
        assert facts["preprocessing"]
        assert facts["licence"] == "Apache-2.0"


def test_only_inceptions_distance_is_called_fid() -> None:
    assert [name for name in metrics if metrics[name].facts["label"] == "FID"] == ["fid"]
    assert [name for name in metrics if name.startswith("fid")] == ["fid"]


def test_the_kernel_distance_of_pairs_does_not_pass_for_the_kid_of_papers() -> None:
    assert metrics["kid_paired"].facts["label"] == "KID (paired)"
    assert [name for name in metrics if metrics[name].facts["label"] == "KID"] == []
