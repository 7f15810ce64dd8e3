"""Measures codecs on whole images, by the files that they write."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ablate.atomic import write_bytes, write_with
from ablate.codecs.codec import NOTHING, Codec, Side, Symbols
from ablate.codecs.container import opened
from ablate.codecs.trained import TrainedCodec
from ablate.config import NOTHING_TAUGHT, Evaluation, Taught
from ablate.data import Images
from ablate.data.png import to_png
from ablate.evaluate.distances import Distances, replicate_rows
from ablate.evaluate.features import Look, as_tensor, image_features, view_of
from ablate.evaluate.given import Given
from ablate.evaluate.images_table import ImageRow, as_csv, columns, figures_of, means
from ablate.evaluate.part import Part, wanted
from ablate.evaluate.protocol import protocol
from ablate.metrics import CodedImage, bounds_of, extractor, metrics, of_mean
from ablate.store import Entry

Done = Callable[[str, str], None]


@dataclass(frozen=True)
class Measurement:
    """Figures and their uncertainty by weights and metric, and how each metric was measured, as a result keeps them."""

    metrics: dict[str, dict[str, Any]]
    uncertainty: dict[str, dict[str, Any]]
    protocol: dict[str, dict[str, Any]]


def require_measures(evaluation: Evaluation) -> None:
    """Loads what the evaluation looks through, so that weights which are absent are missed before the training.

    Raises:
        ValueError: for weights of an extractor or of a perceptual distance that are absent or other ones.
    """
    for view in evaluation.views:
        extractor(view.name, tap=view.tap)
    for name in evaluation.measured:
        metrics[name].require_weights()


def measure(
    codecs: Mapping[str, Codec | Given],
    evaluation: Evaluation,
    images: Images,
    entry: Entry,
    *,
    cache: Path,
    device: str,
    taught: Taught = NOTHING_TAUGHT,
    only: Collection[str] | None = None,
    there: Sequence[Entry] = (),
    done: Done = lambda _weights, _image: None,
) -> Measurement:
    """Sends every image through each codec's files; writes tables, features and reconstructions, and returns figures.

    Args:
        codecs: by the name of their weights ("raw", "ema"), or what another codec made of the images.
        evaluation: what is measured, and how.
        images: held out from training.
        entry: where the tables, the features and the PNGs go.
        cache: directory where the originals' features are kept for all cells.
        device: where the feature extractors run.
        taught: what the codecs were trained against.
        only: the metrics of the evaluation to be measured now; None for all.
        there: entries of earlier measurements; a reconstruction that one of them has is not written again.
        done: told of each image that was measured, with which weights.

    Raises:
        ValueError: for weights of an extractor or of a perceptual distance that are absent or other ones.
    """
    asked = {view_of(metric, evaluation.views) for metric in wanted(evaluation, images, only)}
    views = [view for view in evaluation.views if only is None or view in asked]
    looks = [Look.through(view, images, cache, device) for view in views]
    alike = _Alike(images, Part.all_of(evaluation, images, looks, only), there)

    # Each set of weights: its rows and reconstructions, then the distances over all of them.
    rows: list[ImageRow] = []
    replicates: list[dict[str, Any]] = []
    figures: dict[str, dict[str, Any]] = {}
    uncertainty: dict[str, dict[str, Any]] = {}
    for weights, codec in codecs.items():
        sent = _send(codec, weights, alike, entry, done)
        for number, (look, features) in enumerate(zip(looks, sent.features, strict=True)):
            _save_features(entry, weights if number == 0 else f"{weights}-{look.view.name}_{look.view.tap}", features)
        between = [each for part in alike.parts for each in part.distances(sent.features)]
        rows += sent.rows
        if between:
            replicates += replicate_rows(between, weights, images.names)
        figures[weights] = means(sent.rows) | sent.levels() | _values(between)
        uncertainty[weights] = _uncertainty(sent.rows, between)

    # Tables of all weights together, and how their figures were made.
    write_bytes(entry.images_csv, as_csv(row.cells() for row in rows))
    if replicates:
        write_bytes(entry.jackknife_csv, as_csv(replicates))
    regions = None if evaluation.kept == "all" else evaluation.kept
    return Measurement(figures, uncertainty, protocol(alike.parts, images, rows, taught, regions))


@dataclass(frozen=True, eq=False)
class _Alike:
    """Conditions that all codecs are measured under."""

    images: Images
    parts: Sequence[Part]
    there: Sequence[Entry]

    @property
    def looks(self) -> Sequence[Look]:
        """What the patches of whole images are looked at through."""
        return self.parts[0].looks

    def side(self, index: int) -> Side:
        """Returns the side information of an image that is there, whatever a codec takes of it."""
        maps = self.images.maps
        return NOTHING if maps is None else Side(as_tensor(maps[index])[:1])


@dataclass(frozen=True, eq=False)
class _Sent:
    """All images after they were sent: rows of the table, features of patches (n, d) by look, and their symbols."""

    rows: list[ImageRow]
    features: list[Tensor]
    symbols: list[Symbols]

    def levels(self) -> dict[str, int | None]:
        """Counts the levels used anywhere and the channels that hold one symbol throughout all images.

        A codec that sends no symbols has neither.
        """
        if not self.symbols:
            return {"levels_used": None, "dead_channels": None}
        channels = torch.cat([each.values.flatten(1) for each in self.symbols], 1)
        dead = (channels.amin(1) == channels.amax(1)).sum()
        return {"levels_used": int(channels.unique().numel()), "dead_channels": int(dead)}


def _send(codec: Codec | Given, weights: str, alike: _Alike, entry: Entry, done: Done) -> _Sent:
    """Encodes each image, decodes that very file, and measures what comes out."""
    rows, symbols = [], []
    features: list[list[Tensor]] = [[] for _ in alike.looks]
    for index, name in enumerate(alike.images.names):
        original = as_tensor(alike.images[index])
        regions = [part.region(index) for part in alike.parts]
        size, reconstruction, held, beside = _through(codec, name, original, alike.side(index), regions[-1])
        _write_once(entry, weights, name, to_png(reconstruction.numpy()), alike.there)
        for look, own in zip(alike.looks, features, strict=True):
            own.append(image_features(look.extractor, reconstruction, look.view.patch))
        values, levels = (held.values.numpy(), held.levels) if held else (None, 0)
        coded = CodedImage(size, original.shape[1], original.shape[2], values, levels, beside)
        found = [
            figures_of(part.metrics, coded, original, reconstruction, region)
            for part, region in zip(alike.parts, regions, strict=True)
        ]
        row = ImageRow.of(
            found,
            coded,
            original=original,
            reconstruction=reconstruction,
            weights=weights,
            image=name,
            patches=alike.looks[0].counts[index] if alike.looks else None,
        )
        rows.append(row)
        symbols += [held] if held else []
        done(weights, name)
    return _Sent(rows, [torch.cat(found) for found in features], symbols)


def _write_once(entry: Entry, weights: str, image: str, png: bytes, there: Sequence[Entry]) -> None:
    """Writes a reconstruction, unless one of the other entries has the same."""
    for other in there:
        path = other.recon(weights, image)
        if path.exists() and path.stat().st_size == len(png) and path.read_bytes() == png:
            return
    write_bytes(entry.recon(weights, image), png)


def _through(
    codec: Codec | Given, name: str, original: Tensor, side: Side, region: Tensor | None
) -> tuple[int | None, Tensor, Symbols | None, int]:
    """Returns the bytes of an image's file, where there is one, the reconstruction, and what symbols the file holds.

    The last are the bytes of side information among the file's.
    """
    if isinstance(codec, Given):
        return codec.size(name), codec.reconstruction(name), None, 0
    if not (isinstance(codec, TrainedCodec) and codec.networks.takes_side):
        file = codec.encode(original)
        return len(file), codec.decode(file), codec.symbols(file), 0
    file = codec.encode(original, side, region)
    return len(file), codec.decode(file), codec.symbols(file), sum(map(len, opened(file).fields.values()))


def _save_features(entry: Entry, name: str, features: Tensor) -> None:
    write_with(entry.features(name), lambda file: np.save(file, features.numpy()))


def _values(between: Sequence[Distances]) -> dict[str, float | None]:
    return {name: value for each in between for name, value in each.values.items()}


def _uncertainty(rows: Sequence[ImageRow], between: Sequence[Distances]) -> dict[str, Any]:
    """Returns standard error and interval of each figure over the images; nothing of training is in them."""
    found = {name: of_mean(values) for name, values in columns(rows).items() if values}
    estimates = [*found.items(), *(estimate for each in between for estimate in each.estimates())]
    return {name: estimate.within(bounds_of(name)).record() for name, estimate in estimates}
