"""Measures a format of Pillow or any program on a set of images at each of its qualities, by the cells' protocol."""

from __future__ import annotations

import functools
import tempfile
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ablate.atomic import write_bytes
from ablate.codecs.command import DECODED, INPUT, Command, CommandError, Failure
from ablate.codecs.standard import FORMATS, StandardCodec
from ablate.config import Evaluation
from ablate.cores import cores
from ablate.data import Images
from ablate.data.png import to_png
from ablate.evaluate.curve import IDENTICAL, CurvePoint, Quality, in_order
from ablate.evaluate.features import as_tensor
from ablate.evaluate.given import Given
from ablate.evaluate.measure import measure
from ablate.records import Reference
from ablate.sources.decode import decode
from ablate.sources.protocol import ImageError
from ablate.store import Entry

Sent = tuple[int, Callable[[], Tensor]]
"""The bytes of an image's file, and what reads its reconstruction."""


@dataclass
class _Coded:
    """Files and reconstructions by image at one quality, and why images have none: name, `Failure`, in words."""

    sent: dict[str, Sent] = field(default_factory=dict)
    failed: list[tuple[str, str, str]] = field(default_factory=list)

    @property
    def given(self) -> Given:
        sizes = {name: size for name, (size, _) in self.sent.items()}
        return Given(lambda name: self.sent[name][1](), sizes)


def measure_codec(
    reference: Reference,
    qualities: Sequence[Quality],
    images: Images,
    evaluation: Evaluation,
    cache: Path,
    directory: Path,
    say: Callable[[str, int], None],
) -> tuple[list[CurvePoint], dict[str, Any]]:
    """Returns a point for each quality, in the order of their bits, and how the metrics were measured.

    Args:
        reference: by codec or by command.
        qualities: a point each.
        images: to be coded.
        evaluation: what is measured, and how.
        cache: directory of decoded images and of the originals' features.
        directory: that of the grid file.
        say: told of each quality, before, and how many images it has.

    Raises:
        ValueError: for a quality that the format does not have.
        OSError: where the images are not there or a directory cannot be written.
    """
    points: list[CurvePoint] = []
    protocol: dict[str, Any] = {}
    for quality in qualities:
        say(f"{reference.label} at quality {quality}" if quality is not None else reference.label, len(images))
        with tempfile.TemporaryDirectory(prefix="ablate-reference-") as scratch:
            ended = threading.Event()
            coded = _code(images, _encoder(reference, quality, directory, ended), ended, Path(scratch))
            if coded.failed:
                # A mean over the other images would be another number.
                points.append(CurvePoint(quality, {}, tuple(coded.failed)))
                continue
            records = Entry(Path(scratch) / "measured")
            found = measure({"given": coded.given}, evaluation, images, records, cache=cache, device="cpu")
        measured = found.metrics["given"]
        protocol = {name: facts for name, facts in found.protocol.items() if name in measured}
        names = (*protocol, IDENTICAL)
        points.append(CurvePoint(quality, {name: measured[name] for name in names}))
    return in_order(points), protocol


def _encoder(
    reference: Reference, quality: Quality, directory: Path, ended: threading.Event
) -> Callable[[Tensor, Path], Sent]:
    """Returns what codes an image in a directory of its own."""
    if reference.codec is None:
        return functools.partial(_by_command, Command(reference.command, reference.timeout, directory, ended), quality)
    standard = FORMATS[reference.codec]
    assert isinstance(quality, int), "settings have no others for a format"
    standard.require_quality(quality)
    return functools.partial(_by_format, standard.at(quality))


def _code(images: Images, encode: Callable[[Tensor, Path], Sent], ended: threading.Event, scratch: Path) -> _Coded:
    """Codes every image, several at once, and collects those that fail."""
    coded = _Coded()

    def one(number: int) -> Sent | CommandError:
        directory = scratch / f"{number:06d}"
        directory.mkdir()
        try:
            return encode(as_tensor(images[number]), directory)
        except CommandError as error:
            return error

    pool = ThreadPoolExecutor(cores())
    try:
        for name, found in zip(images.names, pool.map(one, range(len(images))), strict=True):
            if isinstance(found, CommandError):
                coded.failed.append((name, found.failure.value, str(found)))
            else:
                coded.sent[name] = found
    finally:
        # After an interruption programs that still run would be waited for until their timeout.
        ended.set()
        pool.shutdown(cancel_futures=True)
    return coded


def _by_format(codec: StandardCodec, image: Tensor, _directory: Path) -> Sent:
    try:
        file = codec.encode(image)
    except ValueError as error:
        raise CommandError(Failure.not_held, str(error)) from error
    return len(file), lambda: codec.decode(file)


def _by_command(command: Command, quality: Quality, image: Tensor, directory: Path) -> Sent:
    write_bytes(directory / INPUT, to_png(image.numpy()))
    size = command.run(directory, quality)
    if _read(directory / DECODED).shape != image.shape:
        height, width = _read(directory / DECODED).shape[1:]
        said = f"{{decoded}} is {height}x{width} pixels, the image {image.shape[1]}x{image.shape[2]}"
        raise CommandError(Failure.other_size, said)
    return size, lambda: _read(directory / DECODED)


def _read(path: Path) -> Tensor:
    try:
        return torch.from_numpy(decode(path.read_bytes()).pixels)
    except ImageError as error:
        raise CommandError(Failure.no_image, f"{{decoded}}: {error}") from error
