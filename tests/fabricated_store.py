"""Writes a complete store without training anything, in the formats that real runs leave."""

from __future__ import annotations

import csv
import hashlib
import io
import itertools
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
from PIL import Image

from ablate.config import Data
from ablate.data import resolve
from ablate.records import CellSettings, Environment, PlanRecord, Result, Status
from ablate.store import Entry, Store
from ablate.store.artefacts import artefacts

ENVIRONMENT = {"torch": "2.11.0", "device": "cpu", "threads": 1, "fingerprint": "f00d" * 3, "python": "3.11.9"}
BITS = {4: 0.036, 8: 0.0726}


def drawn_images(size: tuple[int, int] = (72, 88), count: int = 3) -> dict[str, np.ndarray]:
    """Returns images of waves, each with its own, uint8 (H, W, 3)."""
    y, x = np.mgrid[: size[0], : size[1]] / 16
    waves = [np.stack([np.sin(x * (k + 1) + c) * np.cos(y + c * k) for c in range(3)], -1) for k in range(count)]
    return {f"wave-{k}.png": np.uint8(127.5 + 100 * wave) for k, wave in enumerate(waves)}


@dataclass(frozen=True)
class Fabrication:
    """What the store shall hold; arms are the product of the axes, `status` overrides single cells."""

    name: str = "made-up"
    axes: Mapping[str, Sequence[Any]] = field(
        default_factory=lambda: {
            "loss.adversarial": ["vanilla", "lsgan", "hinge"],
            "discriminator.scales": [1, 3],
            "loss.lambda_x": [12.0, 48.0],
        }
    )
    seeds: Sequence[int] = (0, 1)
    status: Mapping[int, str] = field(default_factory=dict)
    """Index of a point in the plan -> diverged, failed or pending; the others are done."""
    compare: Mapping[str, Any] = field(default_factory=dict)
    excluded: Sequence[Mapping[str, Any]] = ()
    log_points: int = 12
    images: Mapping[str, np.ndarray] = field(default_factory=drawn_images)
    """Originals, uint8 (H, W, 3)."""
    recon: bool = True
    beside: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Arms added beside the axes: label -> their own keys."""
    aa: bool = False
    """Whether the first cell is run a second time."""
    warmup_seconds: float = 0.0
    """Seconds of the warm-up that all cells of a seed share; 0 for none."""
    environments: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)
    first: int = 0
    """The number that the first cell's id is made of; grids that are compared need ids of their own."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Settings of every cell beside its axes, by dotted key."""


def fabricate(root: Path, what: Fabrication) -> Store:
    """Writes the store under root/runs and the originals under root/images."""
    for split in ("train", "test"):
        (root / "images" / split).mkdir(parents=True, exist_ok=True)
        for name, pixels in what.images.items():
            # The negative of an image is another one, which its mirror image need not be.
            Image.fromarray(pixels if split == "test" else 255 - pixels).save(root / "images" / split / name)
    store = Store(root / "runs", what.name)
    points = list(_points(root, what))
    grid_file = f'schema = 1\nname = "{what.name}"\n'.encode()
    plan = PlanRecord.model_validate(
        {
            "schema": 1, "grid_sha256": hashlib.sha256(grid_file).hexdigest(),
            "fingerprint": ENVIRONMENT["fingerprint"], "data_stat": "-",
            "name": what.name, "compare": {"rate_match": "off", **what.compare}, "excluded": list(what.excluded),
            "axes": {key: list(values) for key, values in what.axes.items()}, "points": points,
        }
    )  # fmt: skip
    store.write_plan(plan)
    store.write_grid(grid_file)
    # What is made up need not outlive a loss of power.
    with mock.patch("os.fsync"):
        for seed in what.seeds if what.warmup_seconds else ():
            entry = store.warmup(f"warm{seed:08x}")
            entry.commit(Result(id=entry.path.name, status=Status.done, step=0, seconds=what.warmup_seconds))
        for index, point in enumerate(points):
            _end(store.cell(point["id"]), point, what, index)
    return store


def _points(root: Path, what: Fabrication) -> Iterator[dict[str, Any]]:
    given = Data(source="folder", train=str(root / "images/train"), test=str(root / "images/test"))
    data = resolve(given, root).model_dump(mode="json")
    arms = [(_label(axes), axes) for axes in _product(what.axes)] + list(what.beside.items())
    runs = [(label, axes, seed, 0) for label, axes in arms for seed in what.seeds]
    if what.aa:
        runs.append((*runs[0][:3], 1))
    for number, (label, axes, seed, replicate) in enumerate(runs):
        cell: dict[str, Any] = {
            "data": data, "loss": {"adversarial": {"name": "hinge", "options": {}}, "lambda_x": 12.0},
            "discriminator": {"scales": 1}, "model": {"channels": 8}, "train": {"steps": 1000},
            "evaluation": {"extractor": "lite0", "tap": 112, "patch": 64}, "seed": seed, "replicate": replicate,
        }  # fmt: skip
        for key, value in {**what.settings, **axes}.items():
            group, name = key.split(".")
            cell.setdefault(group, {})[name] = {"name": value, "options": {}} if name == "adversarial" else value
        full = f"{label} seed={seed}" + (f" replicate={replicate}" if replicate else "")
        yield {
            "id": f"{what.first + number:012x}", "sha256": f"{what.first + number:012x}{0:052x}", "label": full,
            "axes": axes, "seed": seed, "cell": cell, "warmup": f"warm{seed:08x}" if what.warmup_seconds else None,
        }  # fmt: skip


def _product(axes: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    return [dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values())]


def _label(axes: Mapping[str, Any]) -> str:
    """Writes axes as the grid does."""
    words = {key.split(".")[-1]: f"{v:.6g}" if isinstance(v, float) else v for key, v in axes.items()}
    return " ".join(f"{key}={value}" for key, value in words.items()) or "base"


def _end(entry: Entry, point: Mapping[str, Any], what: Fabrication, index: int) -> None:
    status = what.status.get(index, "done")
    if status == "pending":
        return
    environment = {**ENVIRONMENT, **what.environments.get(index, {})}
    entry.write_settings(CellSettings(id=point["id"], cell=point["cell"]))
    stops = 1000 if status == "done" else 375
    attempt = entry.begin_attempt(Environment.model_validate(environment))
    steps = [step for step in np.linspace(1, 1000, what.log_points).astype(int).tolist() if step < stops]
    rows = [_row(point, step, stops) for step in [*steps, stops]]
    (entry.path / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    attempt.finish(Status(status), stops, 20.0, error="RuntimeError: out of memory" if status == "failed" else None)
    if status == "failed":
        return
    cause = None if status == "done" else "non-finite loss at step 375"
    if cause:
        entry.append_event(375, "nonfinite", "a loss is not finite")
    measured = _measure(entry, point, what) if status == "done" else {}
    result = Result.model_validate(
        {
            "schema": 1, "id": point["id"], "status": status, "step": stops, "cause": cause, "seconds": 22.5,
            "train_seconds": 20.0, "eval_seconds": 2.5, "images_per_second": 400.0, "peak_memory_bytes": 512 * 2**20,
            "metrics": measured, "protocol": _protocol(what) if measured else {},
            "codec": {"parameters": {"encoder": 1000, "generator": 2000, "discriminator": 300}},
            "environment": environment, **artefacts(entry.path),
        }
    )  # fmt: skip
    entry.commit(result)


def _protocol(what: Fabrication) -> dict[str, Any]:
    small = [name for name, pixels in what.images.items() if min(pixels.shape[:2]) < 161]
    return {
        "fd_lite0_112": {
            "extractor": "lite0", "tap": 112, "weights_sha256": "5793" * 16, "patch": 64, "shift": 32, "patches": 412,
            "rounding": "uint8", "pictures": "abcd" * 16,
        },
        "ms_ssim": {"images": len(what.images) - len(small), "undefined": small},
    }  # fmt: skip


def _quality(point: Mapping[str, Any], weights: str) -> tuple[float, float]:
    """Returns the PSNR and the Fréchet distance that the made-up world gives a cell."""
    cell = point["cell"]
    noise = np.random.default_rng([point["seed"], *point["label"].partition(" replicate")[0].encode()]).normal(
        0, 0.08, 2
    )
    gain = math.log2(cell["loss"]["lambda_x"] / 12) * 0.7
    loss = {"vanilla": -0.1, "lsgan": 0.15, "hinge": 0.3}.get(cell["loss"]["adversarial"]["name"], 0.0)
    psnr = 22.4 + gain + loss - 0.1 * cell["discriminator"]["scales"] + noise[0] - 0.25 * (weights == "raw")
    fd = 160 + 22 * gain - 30 * loss - 8 * cell["discriminator"]["scales"] + 40 * noise[1] + 9 * (weights == "raw")
    return psnr, fd


def _measure(entry: Entry, point: Mapping[str, Any], what: Fabrication) -> dict[str, Any]:
    rows, metrics = [], {}
    for weights in ("raw", "ema"):
        mean, fd = _quality(point, weights)
        own = []
        for number, (name, pixels) in enumerate(what.images.items()):
            psnr = mean + 1.5 * (number - (len(what.images) - 1) / 2)
            height, width = pixels.shape[:2]
            sse = 255**2 * 10 ** (-psnr / 10) * pixels.size
            ms_ssim = None if min(height, width) < 161 else 0.9 + psnr / 400
            bound = BITS.get(point["cell"]["model"]["channels"], 0.07)
            row = {
                "weights": weights, "image": name, "height": height, "width": width, "psnr": psnr, "sse": int(sse),
                "ms_ssim": ms_ssim, "bpp_bound": bound, "bpp_entropy": bound * (0.86 + 0.001 * psnr),
                "bpp_actual": bound * (0.88 + 0.001 * psnr), "bytes_actual": int(bound * height * width / 8),
            }  # fmt: skip
            own.append(row)
            if what.recon:
                noisy = pixels + np.random.default_rng([number, point["seed"]]).normal(
                    0, 255 * 10 ** (-psnr / 20), pixels.shape
                )
                path = entry.recon(weights, name)
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(np.uint8(noisy.clip(0, 255))).save(path, compress_level=1)
        means: dict[str, Any] = {}
        for key in ("psnr", "ms_ssim", "bpp_bound", "bpp_entropy", "bpp_actual"):
            values = [row[key] for row in own if row[key] is not None]
            means[key] = sum(values) / len(values) if values else None
        metrics[weights] = {**means, "fd_lite0_112": fd, "levels_used": 5, "dead_channels": 0}
        rows += own
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    entry.images_csv.parent.mkdir(parents=True, exist_ok=True)
    entry.images_csv.write_text(text.getvalue())
    return metrics


def _row(point: Mapping[str, Any], step: int, stops: int) -> dict[str, Any]:
    settings, x = point["cell"], step / 1000
    wobble = float(np.random.default_rng([step, point["seed"]]).normal(0, 0.03))
    broken = stops < 1000 and step == stops
    distortion = None if broken else 0.02 + 0.05 * math.exp(-4 * x) * (1 + wobble)
    scale = {"logit_real_mean": 0.4, "logit_fake_mean": -0.4}
    return {
        "step": step, "t": 20 * x, "attempt": 1, "phase": "train", "steps_per_second": 50 + 20 * wobble,
        "loss": {
            "discriminator": 1.4 - 0.4 * x + wobble, "generator": 2.0, "adversarial": 0.7 + 0.3 * x + wobble,
            "distortion": distortion, "feature_matching": 0.2 + 0.02 * x,
        },
        "gradient_norm": {
            "adversarial": 0.02 + 0.01 * x, "distortion": 0.003 * settings["loss"]["lambda_x"] * math.exp(-x),
            "feature_matching": 0.015, "encoder": 0.8,
        },
        "scales": [
            {"accuracy_real": 0.6 + 0.2 * x / k + wobble, "accuracy_fake": 0.55 + 0.25 * x / k - wobble, **scale}
            for k in range(1, settings["discriminator"]["scales"] + 1)
        ],
        "levels_used": 5, "reconstruction_std": 0.3,
    }  # fmt: skip
