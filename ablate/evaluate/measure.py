"""Measures a finished codec on whole held-out images."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ablate import metrics
from ablate.atomic import write_bytes, write_with
from ablate.codecs.codec import Codec, Symbols
from ablate.config import Cell
from ablate.data import Images
from ablate.data.png import to_png
from ablate.evaluate.distances import PatchScores, enough, patch_scores, refusal
from ablate.evaluate.features import as_tensor, image_features, original_features
from ablate.evaluate.images_table import ImageRow, as_csv, columns, means, similarity, table
from ablate.store import Entry


def require_measures(cell: Cell) -> None:
    """Loads what the evaluation looks through, so that weights which are absent are missed before the training.

    Raises:
        ValueError: for weights of an extractor or of a perceptual distance that are absent or other ones.
    """
    metrics.extractor(cell.evaluation.extractor, tap=cell.evaluation.tap)
    for name in cell.evaluation.learned:
        metrics.require_weights(name)


def evaluate(
    codecs: Mapping[str, Codec],
    cell: Cell,
    images: Images,
    entry: Entry,
    cache: Path,
    device: str,
    done: Callable[[str, str], None] = lambda _weights, _image: None,
) -> dict[str, Any]:
    """Writes tables, features and reconstructions; returns "metrics", "uncertainty" and "protocol" of a result.

    Args:
        codecs: by the name of their weights ("raw", "ema").
        cell: whose evaluation settings hold.
        images: held out from training.
        entry: where the tables, the features and the PNGs go.
        cache: directory where the originals' features are kept for all cells.
        device: where codecs and the feature extractor run.
        done: told of each image that was measured, with which weights.

    Raises:
        ValueError: for weights of an extractor or of a perceptual distance that are absent or other ones.
    """
    extractor = metrics.extractor(cell.evaluation.extractor, tap=cell.evaluation.tap, device=device)
    originals = original_features(extractor, cell.evaluation.patch, images, cache)
    rows: list[ImageRow] = []
    replicates: list[dict[str, Any]] = []
    scores: dict[str, dict[str, Any]] = {}
    uncertainty: dict[str, dict[str, Any]] = {}
    for weights, codec in codecs.items():
        measured, used, found = [], [], []
        for index, image in enumerate(images.names):
            original = as_tensor(images[index])
            file = codec.encode(original)
            reconstruction, symbols = codec.decode(file), codec.symbols(file)
            write_bytes(entry.recon(weights, image), to_png(reconstruction.numpy()))
            found.append(image_features(extractor, reconstruction, cell.evaluation.patch))
            row = _measure(original[None], reconstruction[None], cell, three_scales=bool(_small(images)))
            row |= _rate(file, symbols, original)
            measured.append(ImageRow(weights=weights, image=image, patches=len(found[-1]), **row))
            used += [symbols.values] if symbols else []
            done(weights, image)
        features = torch.cat(found)
        _save_features(entry, weights, features)
        distances = patch_scores(cell.evaluation, originals, features, counts=[row.patches for row in measured])
        rows += measured
        replicates += distances.rows(weights, images.names)
        scores[weights] = means(measured) | _levels(used) | dict(distances.values)
        uncertainty[weights] = _uncertainty(measured, distances)
    write_bytes(entry.images_csv, table(rows))
    write_bytes(entry.without_csv, as_csv(replicates))
    protocol = _protocol(cell, extractor, images, len(originals))
    return {"metrics": scores, "uncertainty": uncertainty, "protocol": protocol}


def _measure(original: Tensor, reconstruction: Tensor, cell: Cell, three_scales: bool) -> dict[str, Any]:
    """Returns the measurements of a pair of uint8 images (1, 3, H, W) as an image row names them."""
    height, width = original.shape[2:]
    pair = original, reconstruction
    error = int(metrics.sse(*pair))
    return {
        "height": height,
        "width": width,
        "psnr": float(metrics.psnr(*pair)) if error else None,
        "sse": error,
        "mse": float(metrics.mse(*pair)),
        **similarity(*pair, three_scales=three_scales),
        "perceptual": {each: float(metrics.metrics[each].function(*pair)) for each in cell.evaluation.learned},
    }


def _rate(file: bytes, symbols: Symbols | None, original: Tensor) -> dict[str, Any]:
    """Returns the rate of a file as an image row names it; what needs symbols is None where there are none."""
    size = original.shape[1:]
    of_symbols = (symbols.values.numpy(), symbols.levels, *size) if symbols else None
    return {
        "bpp_bound": metrics.bpp_bound(*of_symbols) if of_symbols else None,
        "bpp_entropy": metrics.bpp_entropy(*of_symbols) if of_symbols else None,
        "bpp_actual": metrics.bpp_actual(file, *size),
        "bytes_actual": len(file),
    }


def _small(images: Images) -> list[str]:
    """Names the images that MS-SSIM is not defined on."""
    sides = zip(images.names, images.shapes, strict=True)
    return sorted(name for name, shape in sides if min(shape) < metrics.MIN_SIDE_MS_SSIM)


def _levels(symbols: list[Tensor]) -> dict[str, int | None]:
    """Counts the levels used anywhere and the channels that hold one symbol throughout all images."""
    if not symbols:
        return {"levels_used": None, "dead_channels": None}
    channels = torch.cat([each.flatten(1) for each in symbols], 1)
    dead = (channels.amin(1) == channels.amax(1)).sum()
    return {"levels_used": int(channels.unique().numel()), "dead_channels": int(dead)}


def _uncertainty(rows: Sequence[ImageRow], distances: PatchScores) -> dict[str, Any]:
    """Returns standard error and interval of each figure over the images; nothing of training is in them."""
    found = {name: metrics.of_mean(values) for name, values in columns(rows).items() if values}
    return {name: estimate.record() for name, estimate in [*found.items(), *distances.estimates()]}


def _protocol(cell: Cell, extractor: metrics.Extractor, images: Images, patches: int) -> dict[str, Any]:
    """Returns how each figure was measured; figures whose records differ are not compared."""
    evaluation, small = cell.evaluation, _small(images)
    each = {"rounding": "uint8", "pictures": images.digest, "images": len(images)}
    paired = {
        "extractor": evaluation.extractor,
        "tap": evaluation.tap,
        "weights_sha256": extractor.weights_sha256,
        "preprocessing": extractor.preprocessing,
        "patch": evaluation.patch,
        "shift": evaluation.patch // 2,
        "patches": patches,
        "paired": True,
        "rounding": "uint8",
        "pictures": images.digest,
        "trained_against": cell.judged_by_its_teacher,
    }
    needed = {"patches_needed": enough(evaluation), "enough": patches >= enough(evaluation)}
    refused = refusal(evaluation, patches)
    undefined = {"images": len(images) - len(small), "undefined": small}
    protocol = {
        evaluation.distance: paired | needed | ({"refused": refused} if refused else {}),
        evaluation.kernel: paired,
        "psnr": each,
        "ms_ssim": each | undefined,
        **dict.fromkeys(("bpp_bound", "bpp_entropy", "bpp_actual"), each),
    }
    if small:
        smallest = metrics.MIN_SIDE_MS_SSIM_3
        protocol["ms_ssim_3"] = each | {"images": sum(min(shape) >= smallest for shape in images.shapes)}
    for name in evaluation.learned:
        protocol[name] = each | metrics.perceptual_facts(name) | {"trained_against": _taught(cell, name)}
    return protocol


def _taught(cell: Cell, name: str) -> bool:
    """Tells whether a perceptual distance is also what the cell was trained to lower."""
    kind, _, network = name.partition("_")
    terms = (cell.loss.distortion, cell.loss.perceptual)
    return any(term.name == kind and term.options.get("network", network) == network for term in terms)


def _save_features(entry: Entry, weights: str, features: Tensor) -> None:
    write_with(entry.features(weights), lambda file: np.save(file, features.numpy()))
