"""Uses fast losses as another program does, for the first time, and prints as JSON what it sees.

A program of its own: what is compiled and proven is kept for the life of a process.

python -m tests.losses.first_use
"""

from __future__ import annotations

import json
import sys
import time
import warnings

import torch

from ablate.kernels.library import cache
from ablate.losses import adversarial, distortion
from ablate.losses.functional import ms_ssim


def main() -> None:
    torch.manual_seed(0)
    image = torch.rand(1, 3, 176, 176) * 2 - 1
    reconstruction = (0.8 * image + 0.2 * torch.randn(image.shape)).clamp(-1, 1)
    logits = [torch.randn(2, 1, 9, 9) for _ in range(2)]
    began = time.monotonic()
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        fast = [distortion("ms_ssim", kernels="auto")(image, reconstruction) for _ in range(2)]
        fast.append(1 - ms_ssim((reconstruction + 1) / 2, (image + 1) / 2, data_range=1.0))
        players = [adversarial("hinge", kernels=kernels).discriminator(*logits) for kernels in ("auto", "eager")]
    found = {
        "seconds": time.monotonic() - began,
        "told": [str(each.message) for each in told],
        "compiled": sorted(path.name.partition("-")[0] for path in cache().glob("*.so")),
        "ms_ssim": [float(value) for value in (*fast, distortion("ms_ssim")(image, reconstruction))],
        "hinge": [float(value) for value in players],
    }
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
