"""Measures a finished codec on whole held-out pictures."""

from __future__ import annotations

import csv
import io
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ablate import metrics
from ablate.config import Cell
from ablate.data import Pictures
from ablate.data.png import to_png
from ablate.model import Codec
from ablate.store import Entry
from ablate.store.atomic import write_bytes
from ablate.train.reference import as_tensor, original_features, picture_features
from ablate.trained import TrainedCodec, model_id


@dataclass(frozen=True)
class ImageRow:
    """Measurements of one picture; `psnr` is None for an identical one (sse 0), `ms_ssim` below 161 px."""

    weights: str
    image: str
    height: int
    width: int
    psnr: float | None
    sse: int
    ms_ssim: float | None
    bpp_bound: float
    bpp_entropy: float
    bpp_actual: float
    bytes_actual: int


def evaluate(
    codecs: dict[str, Codec], cell: Cell, pictures: Pictures, entry: Entry, cache: Path, device: str
) -> dict[str, Any]:
    """Writes per-image rows and reconstructions, and returns "metrics", "protocol" and "models" of a result.

    Args:
        codecs: by name ("raw", "ema"); float32, in evaluation mode.
        cell: whose evaluation settings hold.
        pictures: held out from training.
        entry: where images.csv and the PNGs go.
        cache: directory where the originals' features are kept for all cells.
        device: where codecs and the feature extractor run.
    """
    extractor = metrics.extractor(cell.evaluation.extractor, tap=cell.evaluation.tap, device=device)
    trained = {name: TrainedCodec(cell, codec, model_id(cell, codec), device) for name, codec in codecs.items()}
    name = f"fd_{cell.evaluation.extractor}_{cell.evaluation.tap}"
    originals = original_features(extractor, cell.evaluation.patch, pictures, cache)
    rows: list[ImageRow] = []
    scores: dict[str, dict[str, Any]] = {}
    for weights, codec in trained.items():
        measured, used, features = [], [], []
        for picture, pixels in zip(pictures.names, pictures, strict=True):
            original = as_tensor(pixels)
            symbols = codec.symbols(original)
            reconstruction = codec.picture(symbols, (original.shape[1], original.shape[2]))
            write_bytes(entry.recon(weights, picture), to_png(reconstruction.numpy()))
            measured.append(_measure(weights, picture, original, reconstruction, symbols, cell))
            used.append(symbols)
            features.append(picture_features(extractor, reconstruction, cell.evaluation.patch))
        rows += measured
        scores[weights] = _mean(measured) | _levels(used)
        scores[weights][name] = _distance(originals, torch.cat(features))
    write_bytes(entry.images_csv, _as_csv(rows))
    protocol = {
        name: {
            "extractor": cell.evaluation.extractor,
            "tap": cell.evaluation.tap,
            "weights_sha256": extractor.weights_sha256,
            "patch": cell.evaluation.patch,
            "shift": cell.evaluation.patch // 2,
            "patches": len(originals),
            "rounding": "uint8",
            "pictures": pictures.digest,
            "trained_against": cell.judged_by_its_teacher,
        },
        "ms_ssim": {
            "images": sum(row.ms_ssim is not None for row in rows) // len(codecs),
            "undefined": sorted({row.image for row in rows if row.ms_ssim is None}),
        },
    }
    models = {name: codec.model_id.hex() for name, codec in trained.items()}
    return {"metrics": scores, "protocol": protocol, "models": models}


def _measure(
    weights: str, name: str, original: Tensor, reconstruction: Tensor, symbols: Tensor, cell: Cell
) -> ImageRow:
    height, width = original.shape[1:]
    pair = original[None], reconstruction[None]
    error = int(metrics.sse(*pair))
    # The rate is that of a file, which is decoded again and compared.
    rate = metrics.rate(symbols.numpy(), cell.model.quantizer.levels, height, width)
    return ImageRow(
        weights=weights,
        image=name,
        height=height,
        width=width,
        psnr=float(metrics.psnr(*pair)) if error else None,
        sse=error,
        ms_ssim=float(metrics.ms_ssim(*pair)) if min(height, width) >= metrics.MIN_SIDE_MS_SSIM else None,
        bpp_bound=rate.bpp_bound,
        bpp_entropy=rate.bpp_entropy,
        bpp_actual=rate.bpp_actual,
        bytes_actual=rate.bytes_actual,
    )


def _mean(rows: list[ImageRow]) -> dict[str, float | None]:
    """Means over the pictures on which a metric is defined; None where there is none."""
    means: dict[str, float | None] = {}
    for name in ("psnr", "ms_ssim", "bpp_bound", "bpp_entropy", "bpp_actual"):
        values = [value for row in rows if (value := getattr(row, name)) is not None]
        means[name] = sum(values) / len(values) if values else None
    return means


def _levels(symbols: list[Tensor]) -> dict[str, int]:
    """Counts the levels used anywhere and the channels that hold one symbol throughout all pictures."""
    channels = torch.cat([each.flatten(1) for each in symbols], 1)
    dead = (channels.amin(1) == channels.amax(1)).sum()
    return {"levels_used": int(channels.unique().numel()), "dead_channels": int(dead)}


def _distance(originals: Tensor, reconstructions: Tensor) -> float | None:
    """Returns the Fréchet distance of features (n, d), None where the pictures hold fewer than two patches."""
    return metrics.frechet_distance(originals, reconstructions) if len(originals) >= 2 else None


def _as_csv(rows: list[ImageRow]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, [field.name for field in fields(ImageRow)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(row) for row in rows)
    return text.getvalue().encode()
