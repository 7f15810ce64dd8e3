"""Every figure of real photographs gets worse at each step of a distortion that does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ablate.metrics import extractor, frechet_distance, kid_paired, metrics, ms_ssim, ms_ssim_3, patches, psnr, ssim
from tests.metrics.pairs import blocks, blur, jpeg, noise, photo

KODAK = Path(__file__).parents[3] / "shared" / "data" / "kodak"
SHIPPED = ("chelsea.png", "coffee.png", "astronaut.png", "motorcycle_left.png")
SIDE = 256

Ladder = tuple[Callable[[torch.Tensor, float], torch.Tensor], tuple[float, ...]]
LADDERS: dict[str, Ladder] = {
    "jpeg": (lambda x, quality: jpeg(x, int(quality)), (90, 75, 50, 30, 20, 10, 5)),
    "blur": (blur, (0.5, 1, 1.5, 2, 3)),
    "noise": (noise, (2, 5, 10, 20, 40)),
    "blocks": (blocks, (0.9, 0.7, 0.5, 0.3, 0.1)),
}


@pytest.fixture(scope="module")
def photographs() -> torch.Tensor:
    """The middle of four photographs, uint8 (4, 3, 256, 256): Kodak's where they lie beside the repository."""
    if KODAK.is_dir():
        found = [torch.from_numpy(np.array(Image.open(path))) for path in sorted(KODAK.glob("*.png"))[:4]]
        images = [each.permute(2, 0, 1) for each in found]
    else:
        images = [photo(name, SIDE, SIDE) for name in SHIPPED]
    middles = [[(side - SIDE) // 2 for side in each.shape[1:]] for each in images]
    return torch.stack(
        [each[:, y : y + SIDE, x : x + SIDE] for each, (y, x) in zip(images, middles, strict=True)]
    ).contiguous()


def cut(images: torch.Tensor) -> torch.Tensor:
    return torch.cat([patches(each, 64, 32) for each in images])


def figures(originals: torch.Tensor, altered: torch.Tensor) -> Iterator[tuple[str, float]]:
    """Yields every figure by the name of its metric."""
    for metric in (psnr, ssim, ms_ssim, ms_ssim_3):
        yield metric.__name__, metric(originals, altered).mean().item()
    images = np.repeat(np.arange(len(originals)), len(cut(originals)) // len(originals))
    for tap in (112, 1280):
        network = extractor("lite0", tap=tap)
        a, b = network(cut(originals)), network(cut(altered))
        yield f"fd_lite0_{tap}", frechet_distance(a, b)
        yield f"kid_paired_lite0_{tap}", kid_paired(a, b, images)


@pytest.mark.parametrize("name", LADDERS)
def test_every_figure_is_strictly_monotone(photographs: torch.Tensor, name: str) -> None:
    distort, steps = LADDERS[name]
    ladder: dict[str, list[float]] = {}
    for step in steps:
        altered = torch.stack([distort(each, step) for each in photographs])
        for metric, value in figures(photographs, altered):
            ladder.setdefault(metric, []).append(value)
    assert len(ladder) == 8
    for metric, values in ladder.items():
        worse = -1 if metrics[metric].direction == "higher" else 1
        assert (np.diff(values) * worse > 0).all(), f"{metric} under {name}: {values}"
    assert ladder["kid_paired_lite0_112"][0] > 0
