"""How fast each layer of a step's networks is in C: python -m tests.bench.layers_of_a_step --preset small.

Each layer is computed alone, forward and backward, in processor time on one thread, on the images that it has in a
step. Prints its share of the step's operations and their rate, also as a part of the rate that torch's product of two
matrices of 1,024 has in the same process. An operation is one of the definition, whatever C computes in its place.
"""

from __future__ import annotations

import argparse
import copy
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from torch import nn

from ablate.bench.training_step import BareTraining, cell_of
from ablate.kernels.network import planned
from ablate.kernels.network.native import Network
from ablate.kernels.network.plan import IMAGE, NOTHING, Layer, Plan


def seconds(function: Callable[[], object], repeats: int = 15) -> float:
    """Returns the median processor time of a call."""
    function()
    taken = []
    for _ in range(repeats):
        began = time.process_time()
        function()
        taken.append(time.process_time() - began)
    return statistics.median(taken)


def ceiling() -> float:
    """Returns the operations a second of torch's product of matrices."""
    a, b = torch.randn(1024, 1024), torch.randn(1024, 1024)
    return 2 * 1024**3 / seconds(lambda: a @ b)


def layers(
    plan: Plan, image: tuple[int, int, int]
) -> Iterator[tuple[Layer, tuple[int, int, int], tuple[int, int, int]]]:
    """Goes through the layers with the channels, height and width of their inputs and outputs."""
    sizes: list[tuple[int, int, int]] = []
    for layer in plan.layers:
        given = image if layer.input == IMAGE else sizes[layer.input]
        _, size = layer.geometry(*given)
        sizes.append(size)
        yield layer, given, size


def row(
    layer: Layer,
    images: int,
    given: tuple[int, int, int],
    size: tuple[int, int, int],
    first: bool,
    precision: str,
) -> tuple[float, ...]:
    """Returns a layer's operations and seconds forward, and the same backward."""
    alone = copy.copy(layer)
    alone.input, alone.residual = IMAGE, NOTHING
    network = Network([alone], [0], precision)
    x = torch.randn(images, *given).contiguous(memory_format=torch.channels_last).requires_grad_(not first)
    (output,) = network(x)
    gradient = torch.randn_like(output)
    wanted = [each for each in (None if first else x, *layer.weights()) if each is not None]
    operations = 0.0
    if layer.conv is not None:
        high, wide = given[1:] if isinstance(layer.conv, nn.ConvTranspose2d) else size[1:]
        operations = 2.0 * images * high * wide * layer.conv.weight.numel()
    backward = seconds(lambda: torch.autograd.grad(output, wanted, gradient, retain_graph=True)) if wanted else 0.0
    return operations, seconds(lambda: network(x)), operations * (1 if first else 2), backward


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--preset", default="small")
    parser.add_argument("--precision", default="float32", choices=["float32", "bfloat16"])
    options = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as directory:
        training = BareTraining(cell_of(options.preset, Path(directory)), Path(directory))
    cell, state, most = training.cell, training.state, ceiling()
    latent = cell.model.channels, *(2 * [cell.data.crop // 2**cell.model.downsamplings])
    crop, images = (3, cell.data.crop, cell.data.crop), cell.data.batch_size
    assert state.discriminator is not None
    # The discriminators look at both images for their own step, and at the reconstruction for the generator's.
    parts = {
        "encoder": (state.codec.parts()["encoder"], images, crop, True),
        "generator": (state.codec.parts()["generator"], images, latent, False),
        "discriminators": (state.discriminator, 2 * images, crop, False),
    }
    print(f"{options.preset}, {options.precision}, one thread; torch's product of matrices: {most / 1e9:.0f} GFLOP/s")
    print(f"{'':44}forward {'':22}backward")
    for name, (module, count, given, opening) in parts.items():
        whole = [0.0] * 4
        for number, (layer, before, after) in enumerate(layers(planned(module), given)):
            found = row(layer, count, before, after, opening and number == 0, options.precision)
            whole = [a + b for a, b in zip(whole, found, strict=True)]
            what = "pooling" if layer.conv is None else f"{layer.conv.kernel_size[0]}x{layer.conv.kernel_size[0]}"
            said = f"{name} {what} {'x'.join(map(str, before))} to {'x'.join(map(str, after))}"
            print(f"{said:50}{rates(found, most)}")
        print(f"{name + ', all':50}{rates(tuple(whole), most)}")


def rates(found: tuple[float, ...], most: float) -> str:
    """Returns both directions' milliseconds, GFLOP/s and percent of the ceiling."""
    return "  ".join(
        f"{1e3 * taken:7.2f} ms {operations / taken / 1e9:5.0f} GFLOP/s {operations / taken / most:5.0%}"
        if taken
        else ""
        for operations, taken in (found[:2], found[2:])
    )


if __name__ == "__main__":
    main()
