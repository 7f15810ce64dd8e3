"""How many times as fast losses are for a program that imports them: python -m tests.bench.public_losses.

The program asks for a loss, computes it and goes backward through it, as any training does: `kernels="auto"` against
the definition, and `ablate.losses.functional` against pytorch-msssim. Each round takes both in random order and
compares their processor time, on one thread. Prints the median of the ratios and the half of them around it.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytorch_msssim
import torch
from torch import Tensor, nn

from ablate.cores import cores
from ablate.losses import PenaltyInputs, adversarial, distortion, functional, penalty
from ablate.losses.fast import Kernels

CHOICES: tuple[Kernels, ...] = ("eager", "auto")
IMAGES = (8, 3, 256, 256)
LOGITS = ((8, 1, 62, 126), (8, 1, 30, 62), (8, 1, 14, 30))
"""Of 8 x 3 x 512 x 1024 at three scales."""
SECONDS = 0.05
"""Of each sample at least: small losses are called as often as that takes."""

Call = Callable[[], object]


def images(*, gradient: bool = True) -> tuple[Tensor, Tensor]:
    image = torch.rand(IMAGES) * 2 - 1
    return image, (0.8 * image + 0.2 * (2 * torch.rand(IMAGES) - 1)).requires_grad_(gradient)


def backward(value: Callable[[], Tensor], *leaves: Tensor) -> Call:
    """Returns a call that computes a loss and its gradients."""

    def call() -> None:
        for leaf in leaves:
            leaf.grad = None
        value().backward()

    return call


def distortions(name: str) -> dict[str, Call]:
    image, reconstruction = images()
    losses = {kernels: distortion(name, kernels=kernels) for kernels in CHOICES}
    return {
        key: backward(lambda loss=loss: loss(image, reconstruction), reconstruction) for key, loss in losses.items()
    }


def discriminators(name: str) -> dict[str, Call]:
    real, fake = ([2 * torch.randn(shape) for shape in LOGITS] for _ in range(2))
    leaves = [each.requires_grad_() for each in (*real, *fake)]
    losses = {kernels: adversarial(name, kernels=kernels) for kernels in CHOICES}
    return {key: backward(lambda loss=loss: loss.discriminator(real, fake), *leaves) for key, loss in losses.items()}


def penalties(name: str) -> dict[str, Call]:
    image, reconstruction = images(gradient=False)
    network = nn.Sequential(
        nn.Conv2d(3, 16, 4, 2, 1), nn.LeakyReLU(0.2), nn.Conv2d(16, 32, 4, 2, 1), nn.LeakyReLU(0.2), nn.Conv2d(32, 1, 4)
    )
    weights, losses = list(network.parameters()), {kernels: penalty(name, kernels=kernels) for kernels in CHOICES}

    def value(kernels: str) -> Tensor:
        stream = torch.Generator().manual_seed(1)
        inputs = PenaltyInputs(
            image=image, reconstruction=reconstruction, real=(), fake=(), stream=stream, logits=lambda x: [network(x)]
        )
        return losses[kernels].term(inputs)[0]

    return {kernels: backward(lambda kernels=kernels: value(kernels), *weights) for kernels in CHOICES}


def drop_in(name: str, gradient: bool) -> dict[str, Call]:
    image, reconstruction = (((each.detach() + 1) / 2) for each in images())
    reconstruction.requires_grad_(gradient)
    calls = {}
    for key, module in (("pytorch-msssim", pytorch_msssim), ("ablate", functional)):
        similarity = getattr(module, name)

        def value(similarity: Callable[..., Tensor] = similarity) -> Tensor:
            return 1 - similarity(reconstruction, image, data_range=1.0, size_average=True)

        calls[key] = backward(value, reconstruction) if gradient else value
    return calls


CASES: dict[str, Callable[[], dict[str, Call]]] = {
    **{f"distortion {name}": lambda name=name: distortions(name) for name in ("mse", "l1", "charbonnier", "ms_ssim")},
    **{f"discriminator {name}": lambda name=name: discriminators(name) for name in ("vanilla", "lsgan", "hinge")},
    **{f"penalty {name}": lambda name=name: penalties(name) for name in ("r1", "gp")},
    **{
        f"{name} for pytorch-msssim, {'forward and backward' if gradient else 'value alone'}": (
            lambda name=name, gradient=gradient: drop_in(name, gradient)
        )
        for name in ("ms_ssim", "ssim")
        for gradient in (True, False)
    },
}


def processor_time(call: Call, times: int) -> float:
    began = time.process_time()
    for _ in range(times):
        call()
    return (time.process_time() - began) / times


def ratios(calls: dict[str, Call], rounds: int) -> dict[str, object]:
    """Returns milliseconds of both, and how many times as fast the second is: lower, middle and upper quartile."""
    first, second = calls
    times = {}
    for name, call in calls.items():
        call()
        times[name] = max(1, round(SECONDS / max(1e-6, processor_time(call, 1))))
    taken: list[dict[str, float]] = []
    order: Sequence[str] = list(calls)
    for _ in range(rounds):
        order = random.sample(order, 2)
        taken.append({name: processor_time(calls[name], times[name]) for name in order})
    return {
        "ms": {name: 1e3 * statistics.median(row[name] for row in taken) for name in calls},
        "times_as_fast": statistics.quantiles((row[first] / row[second] for row in taken), n=4),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", default="", help="cases whose names have this in them")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--json", type=Path, help="write the figures here, too")
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    found = {}
    print(f"{options.rounds} rounds, one thread of {cores()} cores, torch {torch.__version__}")
    for name, case in CASES.items():
        if options.only in name:
            found[name] = ratios(case(), options.rounds)
            low, median, high = found[name]["times_as_fast"]
            ms = ", ".join(f"{key} {value:.3g} ms" for key, value in found[name]["ms"].items())
            print(f"  {name:52} {median:6.2f}x ({low:.2f} to {high:.2f})  {ms}", flush=True)
    if options.json:
        options.json.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
