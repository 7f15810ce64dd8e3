from __future__ import annotations

import subprocess
import sys

import pytest

from ablate.metrics import metrics
from ablate.registry import UnknownNameError

DIRECTIONS = {
    "psnr": ("higher", "dB"),
    "ssim": ("higher", ""),
    "ms_ssim": ("higher", ""),
    "ms_ssim_3": ("higher", ""),
    "lpips_alex": ("lower", ""),
    "lpips_vgg": ("lower", ""),
    "fd_lite0_112": ("lower", ""),
    "fd_lite0_1280": ("lower", ""),
    "kid_paired_lite0_112": ("lower", ""),
    "kid_paired_lite0_1280": ("lower", ""),
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
