"""Runs the Triton kernels in Triton's interpreter, on the CPU, and prints what they disagree with float64 in.

A program of its own: the interpreter is chosen before a kernel's module is imported. Small planes and strips, since
every operation of every program is a call into NumPy.

python -m tests.kernels.interpreted
"""

from __future__ import annotations

import os

os.environ["TRITON_INTERPRET"] = "1"

import json
import sys
from collections.abc import Iterator
from typing import Any

import torch

from ablate.kernels import OPERATORS, Tolerance, backends, disagreement
from ablate.kernels.ms_ssim import triton as ms_ssim
from ablate.kernels.trial import Trial
from tests.kernels.ranges import in_range_of

OPTIONS: dict[str, tuple[dict[str, Any], ...]] = {
    "adversarial": (
        {"loss": "lsgan", "fake_target": -0.5, "reduction": "patch_weighted"},
        {"loss": "hinge", "reduction": "sum"},
        {"loss": "hinge", "player": "generator"},
        {"loss": "vanilla", "real_target": 0.9},
        {"loss": "minimax", "player": "generator"},
    ),
    "distortion": (
        {},
        {"mse": 0.0, "l1": 1.0},
        {"mse": 2.0, "l1": 0.5, "charbonnier": 0.3, "epsilon": 1e-2},
    ),
    "feature_matching": ({"weight": 0.25}, {}),
}
# The interpreter cuts numbers off to bfloat16, where a GPU rounds them.
CUT_OFF = Tolerance(2e-6, 1e-6, 8e-3)


def pointwise() -> Iterator[tuple[str, str | None]]:
    """Yields each case of one launch with what is wrong with it."""
    for operator, several in OPTIONS.items():
        triton = next(each for each in backends(operator) if each.name == "triton")
        for options in several:
            for dtype in (torch.float32, torch.bfloat16) if options == several[0] else (torch.float32,):
                tolerance = OPERATORS[operator].float32 if dtype is torch.float32 else CUT_OFF
                function = triton.build(**options)
                for trial in OPERATORS[operator].trials(options):
                    here = trial.to("cpu", dtype)
                    yield (
                        f"{operator} {options} {dtype} {trial.name}",
                        tried(operator, options, function, here, tolerance),
                    )


def structure() -> Iterator[tuple[str, str | None]]:
    """Yields MS-SSIM of two levels of odd sides, in strips whose borders lie inside the planes, and of one level."""
    ms_ssim.ROWS, ms_ssim.COLUMNS = 8, 16
    triton = next(each for each in backends("ms_ssim") if each.name == "triton")
    generator = torch.Generator().manual_seed(5)
    for levels, (height, width) in ((2, (21, 23)), (1, (12, 19))):
        options = {"levels": levels}
        image = torch.randn(1, 1, height, width, generator=generator).clamp(-1, 1)
        noise = torch.randn(image.shape, generator=generator)
        trial = Trial("odd sizes", [image], [(image + 0.2 * noise).clamp(-1, 1)])
        tolerance = OPERATORS["ms_ssim"].float32
        yield f"ms_ssim {options}", tried("ms_ssim", options, triton.build(**options), trial, tolerance)


def in_any_range() -> Iterator[tuple[str, str | None]]:
    """Yields MS-SSIM as pytorch-msssim has it, on [0, 255], of an image and of one with its negative."""
    yield "ms_ssim in any range", in_range_of(ms_ssim.planes, (0.4, 0.6), (21, 22), clipped=True)


def tried(operator: str, options: dict[str, Any], function: Any, trial: Trial, tolerance: Tolerance) -> str | None:
    """Returns what is wrong with a result; all that `torch.empty` returned began as NaN."""
    exact = trial.to("cpu", torch.float64)
    expected = backends(operator)[0].build(**options)(exact.image, exact.reconstruction)
    return disagreement(function(trial.image, trial.reconstruction), expected, tolerance)


if __name__ == "__main__":
    torch.use_deterministic_algorithms(True)
    json.dump(dict((*pointwise(), *structure(), *in_any_range())), sys.stdout)
