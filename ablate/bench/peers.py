"""MS-SSIM of other packages, each as its users call it and in the best configuration that is known of it."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from importlib import metadata
from typing import NamedTuple

import torch
from torch import Tensor

from ablate.bench.case import Contender, Pair, Setting
from ablate.bench.contenders import compiled, in_direction
from ablate.kernels import Function, Tolerance
from ablate.kernels.by_autograd import Loss

DATA_RANGE = 2.0
COMPILE_SECONDS = 60.0
PROMISED = Tolerance(value=1e-5, floor=5e-6, gradient=1e-4)
"""Peers compute MS-SSIM in float32, good to its last digits; of 1 - MS-SSIM these are fewer than the kernels' own."""


class Peer(NamedTuple):
    """A package that computes MS-SSIM: what to import, and its function (image, reconstruction) -> similarity."""

    package: str
    module: str
    function: Callable[..., Callable[[Tensor, Tensor], Tensor]]


PEERS = (
    Peer("pytorch-msssim", "pytorch_msssim", lambda it: lambda x, y: it.ms_ssim(x, y, data_range=DATA_RANGE)),
    Peer("piq", "piq", lambda it: lambda x, y: it.multi_scale_ssim(x, y, data_range=DATA_RANGE)),
    Peer(
        "torchmetrics",
        "torchmetrics.functional.image",
        lambda it: lambda x, y: it.multiscale_structural_similarity_index_measure(x, y, data_range=DATA_RANGE),
    ),
)


def ms_ssim_peers(setting: Setting) -> tuple[Contender, ...]:
    """Returns each installed peer plain, in channels_last and compiled, and one line for each that is not."""
    return tuple(contender for peer in PEERS for contender in _of(peer, setting))


def _of(peer: Peer, setting: Setting) -> Iterator[Contender]:
    differentiate = in_direction(setting.direction, image=False, reconstruction=True)

    def make() -> Loss:
        similarity = peer.function(importlib.import_module(peer.module))
        return lambda images, reconstructions: 1 - similarity(reconstructions[0], images[0])

    def build() -> Function:
        return differentiate(make())

    try:
        named = f"{peer.package} {metadata.version(peer.package)}"
    except metadata.PackageNotFoundError:
        missing = f"{peer.package} is not installed; pip install 'ablate[peers]' installs it"
        yield Contender(peer.package, build, missing=missing, peer=peer.package)
        return
    yield Contender(peer.package, build, prepare=from_black, peer=named, tolerance=PROMISED)
    yield Contender(
        f"{peer.package}-channels-last",
        build,
        prepare=channels_last,
        peer=named,
        tolerance=PROMISED,
        form_of=peer.package,
    )
    yield from compiled(
        make,
        differentiate,
        setting,
        of=peer.package,
        prepare=from_black,
        peer=named,
        tolerance=PROMISED,
        build_seconds=COMPILE_SECONDS,
        form_of=peer.package,
    )


def from_black(pair: Pair) -> Pair:
    """Shifts images from [-1, 1] to [0, 2]: packages measure luminance from 0, where this one's black is -1."""
    return pair.map(lambda tensor: tensor + 1)


def channels_last(pair: Pair) -> Pair:
    """The same in the memory format in which a depthwise convolution is fastest."""
    return from_black(pair).map(lambda tensor: tensor.contiguous(memory_format=torch.channels_last))
