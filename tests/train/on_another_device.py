"""Trains and measures on a device that is none, beside the CPU, and prints as JSON what goes wrong there.

A program of its own, since the device is registered with torch for good.

python -m tests.train.on_another_device
"""

from __future__ import annotations

import json
import math
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from ablate.codecs.agustsson import tiles
from ablate.config import Cell
from ablate.data import prepare, resolve
from ablate.execute.cell import run_cell, run_warmup
from ablate.kernels import OPERATORS, backends, disagreement
from ablate.losses.catalogue import adversarial_losses, distortions, penalties
from ablate.records import CellSettings, Environment
from ablate.store import Store
from ablate.store.weights import load
from ablate.trackers.tracking import Tracking
from ablate.train.loop import train
from ablate.train.preflight import preflight
from ablate.train.state import TrainState
from ablate.train.watch import Watch
from tests.pretended_device import DEVICE, There, pretending, waits
from tests.train.conftest import gradient_image

SMALL: dict[str, dict[str, Any]] = {
    "data": {"source": "folder", "train": "train", "test": "test", "crop": 32, "batch_size": 2},
    "model": {"width": 4, "downsamplings": 2, "residual_blocks": 1, "norm": "channel", "channels": 2},
    "discriminator": {"width": 4, "layers": 2, "norm": "channel", "scales": 2},
    "train": {"steps": 4, "log_every": 99, "checkpoint_every": 99},
}
NOT_DUE = {"every": 16}
TRAININGS: dict[str, dict[str, Any]] = {
    "plain": {"discriminator": {"scales": 3}, "loss": {"adversarial": "hinge"}},
    "as the source": {
        "model": {"norm": "instance", "latent_norm": "instance", "noise": True, "noise_channels": 8},
        "loss": {"adversarial": "lsgan", "generator_scales": "finest"},
        "train": {"order": "generator_first", "quirks": {"unpaired_batches": True}},
    },
    "every penalty": {"loss": {"adversarial": "wgan", "penalties": sorted(penalties)}},
    "a lazy penalty": {"loss": {"penalties": [{"name": "r1", "options": NOT_DUE}]}},
    "bfloat16": {
        "model": {"quantizer": {"centers": "learned"}, "latent_norm": "batch"},
        "discriminator": {"spectral_norm": True},
        "train": {"precision": "bfloat16", "channels_last": True},
    },
    "weighted": {
        "loss": {
            "adversarial": "ra_lsgan",
            "adaptive_weight": True,
            "scale_reduction": "patch_weighted",
            "distortion": {"name": "ms_ssim", "options": {"levels": 2}},
            "perceptual": "perceptual_lite0",
        }
    },
    "labels": {"discriminator": {"scales": 1}, "loss": {"adversarial": "oasis", "feature_matching": "none"}},
    "energies": {"loss": {"adversarial": "began"}, "train": {"discriminator_steps": 2}},
    "no discriminator": {"loss": {"adversarial": "none", "feature_matching": "none"}},
}


def cell_of(cache: Path, **sections: dict[str, Any]) -> Cell:
    names = {*SMALL, *sections}
    cell = Cell.model_validate({name: SMALL.get(name, {}) | sections.get(name, {}) for name in names})
    return cell.model_copy(update={"data": resolve(cell.data, cache)})


def draw(root: Path) -> None:
    """Draws two images to train on and one to be measured on."""
    for name, seed in (("train/a", 1), ("train/b", 2), ("test/c", 3)):
        (root / name).parent.mkdir(exist_ok=True)
        Image.fromarray(gradient_image(seed)).save(root / f"{name}.png")


def trained(cell: Cell, cache: Path, device: str) -> tuple[dict[str, Any], list[str]]:
    """Returns the first step's row, and what the third, which logs nothing, waited for where there was one."""
    with tempfile.TemporaryDirectory() as place:
        entry = Store(Path(place), "grid").cell(cell.id)
        entry.begin_attempt(Environment())
        marks: list[int] = []
        watch = Watch(Tracking(entry, 1), device, lambda: bool(marks.append(len(waits))), "train")
        state = TrainState.for_cell(cell, device)
        train(state, cell, prepare(cell.data, "train", cache), watch)
        TrainState.for_cell(cell, device).load(entry.checkpoint)
        return entry.metrics()[0].plain(), waits[marks[1] : marks[2]] if marks[2:] else []


def committed(cell: Cell, cache: Path, device: str) -> Any:
    """Trains a cell from its warm-up, interrupted once, measures it, and compresses an image whole and in tiles."""
    with tempfile.TemporaryDirectory() as place:
        store = Store(Path(place), "grid")
        entry, warmup = store.cell(cell.id), store.warmup(cell.warmup.id)
        entry.write_settings(CellSettings(id=cell.id, label="small", seed=0, cell=cell.model_dump(mode="json")))
        common = {"data_cache": cache, "device": device, "attempt": 1, "kernels": "eager"}
        warmup.begin_attempt(Environment())
        run_warmup(cell.warmup, warmup, stop=lambda: False, **common)
        for ends_at in (1, None):
            entry.begin_attempt(Environment())
            run_cell(cell, entry, warmup=warmup, stop=lambda e=ends_at: e is not None, **common)
        codec = load(entry, "ema", device)
        generator = torch.Generator().manual_seed(0)
        image = torch.randint(0, 256, (3, 150, 170), generator=generator, dtype=torch.uint8)
        whole = codec.decode(codec.encode(image))
        bound, tiles.MEMORY_BYTES = tiles.MEMORY_BYTES, 1 << 20
        tiled = codec.decode(codec.encode(image))
        tiles.MEMORY_BYTES = bound
        assert (whole.int() - tiled.int()).abs().max() <= 1
        return entry.result().metrics["ema"]["psnr"]


def apart(expected: Any, found: Any, tolerance: float) -> str | None:
    """Says which number of nested data lies elsewhere, or None."""
    if isinstance(expected, dict):
        parts = ((name, apart(expected[name], found[name], tolerance)) for name in expected)
        return next((f"{name}: {said}" for name, said in parts if said), None)
    if isinstance(expected, list):
        return next((said for pair in zip(expected, found, strict=True) if (said := apart(*pair, tolerance))), None)
    if isinstance(expected, float):
        return None if math.isclose(expected, found, rel_tol=tolerance, abs_tol=1e-5) else f"{found}, not {expected}"
    return None if expected == found else f"{found!r}, not {expected!r}"


def trainings(cache: Path) -> Iterator[tuple[str, str | None]]:
    for name, sections in TRAININGS.items():
        cell = cell_of(cache, **sections)
        one_step = cell.model_copy(update={"train": cell.train.model_copy(update={"steps": 1})})
        expected, _ = trained(one_step, cache, "cpu")
        with pretending():
            found, waited = trained(cell, cache, DEVICE)
        clocks = dict.fromkeys(("t", "steps_per_second"), 0.0)
        tolerance = 0.1 if cell.train.precision == "bfloat16" else 1e-3
        yield f"training {name}", apart({**expected, **clocks}, {**found, **clocks}, tolerance)
        yield f"waiting {name}", f"a step waits: {waited}" if waited else None


def whole_cells(cache: Path) -> Iterator[tuple[str, str | None]]:
    cell = cell_of(
        cache,
        model={"noise": True, "noise_channels": 8, "latent_norm": "none"},
        loss={"penalties": ["lecam"]},  # which goes on from what it kept before the interruption
        train={"steps": 2, "warmup_steps": 2},
    )
    expected = committed(cell, cache, "cpu")
    with pretending():
        found = committed(cell, cache, DEVICE)
        images = [prepare(cell.data, split, cache) for split in ("train", "test")]
        findings = {finding.check: finding.verdict for finding in preflight(cell, *images, DEVICE)}
    yield "a whole cell", apart(expected, found, 1e-3)
    yield "a preflight", None if "problem" not in findings.values() else str(findings)


def losses() -> Iterator[tuple[str, str | None]]:
    """Yields every adversarial loss and every distortion whose weights are here."""
    generator = torch.Generator().manual_seed(1)
    image, other = (torch.rand(1, 3, 161, 161, generator=generator) * 2 - 1 for _ in range(2))

    def value(term: Callable[..., torch.Tensor], *inputs: torch.Tensor) -> tuple[float, torch.Tensor]:
        *others, last = inputs
        last = last.detach().requires_grad_()
        result = term(*others, last)
        (gradient,) = torch.autograd.grad(result, last, materialize_grads=True, allow_unused=True)
        return float(result.detach()), gradient.cpu()

    terms: dict[str, tuple[Callable[..., torch.Tensor], tuple[torch.Tensor, ...]]] = {}
    for name in adversarial_losses:
        channels = 2 if adversarial_losses[name].facts["discriminator"] == "labels" else 1
        logits = tuple(torch.randn(2, channels, 6, 5, generator=generator) for _ in range(2))
        loss = adversarial_losses[name].function()
        terms |= {f"{name} D": (loss.discriminator, logits), f"{name} G": (loss.generator, logits)}
    for name in distortions:
        try:
            terms[name] = distortions[name].function(), (image, other)
        except ValueError:
            continue  # for want of weights that a user brings along
    for name, (term, inputs) in terms.items():
        expected, gradient = value(term, *inputs)
        with pretending():
            found, there = value(term, *(each.to(DEVICE) for each in inputs))
        same = torch.allclose(there, gradient, rtol=1e-4, atol=1e-6)
        yield f"loss {name}", apart(expected, found, 1e-4) or (None if same else "another gradient")


def kernels() -> Iterator[tuple[str, str | None]]:
    """Yields what the backends in PyTorch make of one trial, the second time, when what they keep is there."""
    for operator in OPERATORS:
        trial = next(OPERATORS[operator].trials({"levels": 1} if operator == "ms_ssim" else {}))
        options = {"levels": 1} if operator == "ms_ssim" else {}
        exact = trial.to("cpu", torch.float64)
        expected = backends(operator)[0].build(**options)(exact.image, exact.reconstruction)
        for backend in backends(operator):
            if backend.name not in ("eager", "explicit", "channels_last"):
                continue
            function = backend.build(**options)
            with pretending():
                there = trial.to(DEVICE, torch.float32)
                function(there.image, there.reconstruction)
                before = len(waits)
                found = function(there.image, there.reconstruction)
                waited = waits[before:]
                problem = disagreement(found, expected, OPERATORS[operator].float32)
            assert isinstance(found.value, There)
            yield f"{operator} {backend.name}", problem or (f"it waits: {waited}" if waited else None)


def main() -> None:
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    sys.stdout, printed = sys.stderr, sys.stdout  # a training says which kernels it takes
    found: dict[str, str | None] = {}
    with tempfile.TemporaryDirectory() as cache:
        draw(Path(cache))
        for part in (trainings(Path(cache)), whole_cells(Path(cache)), losses(), kernels()):
            try:
                found.update(part)
            except RuntimeError as error:
                found[part.__name__] = str(error)
    json.dump(found, printed)


if __name__ == "__main__":
    main()
