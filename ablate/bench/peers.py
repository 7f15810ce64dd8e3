"""MS-SSIM of other packages, each as its users call it and in the best configuration that is known of it."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from importlib import metadata
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ablate.bench.candidates import compiled, in_direction
from ablate.bench.case import Candidate, Pair, Setting
from ablate.kernels import Tolerance
from ablate.kernels.by_autograd import Loss

DATA_RANGE = 2.0
COMPILE_SECONDS = 60.0
PROMISED = Tolerance(value=1e-5, floor=5e-6, gradient=1e-4)
"""Peers compute MS-SSIM in float32, good to its last digits; of 1 - MS-SSIM these are fewer than the kernels' own."""


class Peer(NamedTuple):
    """A package that computes MS-SSIM: the module to import, and its function (image, reconstruction, data_range)."""

    package: str
    module: str
    function: str


PEERS = (
    Peer("pytorch-msssim", "pytorch_msssim", "ms_ssim"),
    Peer("piq", "piq", "multi_scale_ssim"),
    Peer("torchmetrics", "torchmetrics.functional.image", "multiscale_structural_similarity_index_measure"),
)


def ms_ssim_peers(setting: Setting) -> Iterator[Candidate]:
    """Yields each installed peer plain, in channels_last and compiled, and one line for each that is not."""
    differentiate = in_direction(setting.direction, image=False, reconstruction=True)
    for peer in PEERS:

        def make(peer: Peer = peer) -> Loss:
            similarity: Callable[..., Tensor] = getattr(importlib.import_module(peer.module), peer.function)
            return lambda images, reconstructions: 1 - similarity(reconstructions[0], images[0], data_range=DATA_RANGE)

        def build(make: Callable[[], Loss] = make) -> Any:
            return differentiate(make())

        try:
            version = f"{peer.package} {metadata.version(peer.package)}"
        except metadata.PackageNotFoundError:
            missing = f"{peer.package} is not installed; pip install '.[peers]' in the clone of ablate does it"
            yield Candidate(peer.package, build, missing=missing, peer=peer.package)
            continue
        promised: dict[str, Any] = {"peer": version, "tolerance": PROMISED}
        form: dict[str, Any] = {**promised, "form_of": peer.package}
        yield Candidate(peer.package, build, prepare=from_black, **promised)
        yield Candidate(f"{peer.package}-channels-last", build, prepare=channels_last, **form)
        form |= {"prepare": from_black, "build_seconds": COMPILE_SECONDS}
        yield from compiled(make, differentiate, setting, of=peer.package, **form)


def from_black(pair: Pair) -> Pair:
    """Shifts images from [-1, 1] to [0, 2]: packages measure luminance from 0, where this one's black is -1."""
    return pair.map(lambda tensor: tensor + 1)


def channels_last(pair: Pair) -> Pair:
    """Shifts images to [0, 2], in the memory format in which a depthwise convolution is fastest."""
    return from_black(pair).map(lambda tensor: tensor.contiguous(memory_format=torch.channels_last))
