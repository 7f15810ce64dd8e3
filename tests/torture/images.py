"""Damaged image files of each type, read by `ablate` and by a second decoder: none is read otherwise than it is.

What is lost must be refused. A change within the data of a format without checksums (JPEG, WebP, TIFF) may leave a
whole file of another image: there the two decoders must agree.
"""

from __future__ import annotations

import io
import random
import warnings
from collections.abc import Generator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ablate.sources.decode import decode
from ablate.sources.protocol import ImageError, UnreadableError
from tests.torture.bitstreams import CHANGES
from tests.torture.tally import Tally

SIDES = (37, 52)
KINDS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "PNG": ("PNG", "RGB", {}),
    "PNG, palette": ("PNG", "P", {}),
    "PNG, 16-bit grey": ("PNG", "I;16", {}),
    "JPEG": ("JPEG", "RGB", {"quality": 85}),
    "JPEG, progressive": ("JPEG", "RGB", {"quality": 90, "progressive": True, "subsampling": 0}),
    "JPEG, restarts": ("JPEG", "RGB", {"quality": 80, "restart_marker_blocks": 2}),
    "JPEG, grey": ("JPEG", "L", {"quality": 80}),
    "WebP": ("WEBP", "RGB", {"quality": 80}),
    "WebP, lossless": ("WEBP", "RGB", {"lossless": True}),
    "TIFF": ("TIFF", "RGB", {}),
    "TIFF, LZW": ("TIFF", "RGB", {"compression": "tiff_lzw"}),
    "TIFF, deflated": ("TIFF", "RGB", {"compression": "tiff_adobe_deflate"}),
}
"""Type -> Pillow's format, the mode, and options."""
CHECKED = ("PNG",)
"""Formats with a checksum of every byte that matters."""


def written() -> dict[str, bytes]:
    """Returns one file of each type: smooth with some noise, as images are."""
    y, x = np.mgrid[: SIDES[0], : SIDES[1]]
    waves = np.stack([np.sin(x / 7 + c) * np.cos(y / (5 + c)) for c in range(3)], -1)
    noise = np.random.default_rng(0).normal(0, 6, waves.shape)
    pixels = np.uint8((127 + 90 * waves + noise).clip(0, 255))
    files = {}
    for name, (kind, mode, options) in KINDS.items():
        image = Image.fromarray(pixels)
        if mode == "I;16":
            image = Image.fromarray(pixels[..., 0].astype(np.uint16) * 257)
        elif mode != "RGB":
            image = image.quantize(64) if mode == "P" else image.convert(mode)
        file = io.BytesIO()
        image.save(file, kind, **options)
        files[name] = file.getvalue()
    return files


def second(file: bytes, kind: str) -> NDArray[np.uint8] | None:
    """Returns what libpng, libjpeg, libwebp by torchvision, or tifffile, make of a file: uint8 (3, H, W), or None."""
    import torch
    from torchvision.io import ImageReadMode, decode_jpeg, decode_png, decode_webp

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if kind == "TIFF":
                import tifffile

                return np.asarray(tifffile.imread(io.BytesIO(file))).transpose(2, 0, 1)
            decoder = {"PNG": decode_png, "JPEG": decode_jpeg, "WEBP": decode_webp}[kind]
            data = torch.frombuffer(bytearray(file), dtype=torch.uint8)
            return decoder(data, mode=ImageReadMode.RGB).numpy()
    except Exception:  # noqa: BLE001 - it refuses the file; how does not matter
        return None


def rounds(count: int, seed: int) -> Generator[Tally]:
    """Damages `count` files of each type, and yields what came of each."""
    for name, file in written().items():
        whole = decode(file).pixels
        for number in range(count):
            chance, tally = random.Random(f"{seed} {number}"), Tally()
            damage = chance.choice(sorted(CHANGES))
            damaged = CHANGES[damage](file, chance)
            _read(damaged, whole, name, damage, f"{seed} {number}", tally)
            yield tally


def _read(file: bytes, whole: NDArray[np.uint8], name: str, damage: str, told: str, tally: Tally) -> None:
    case, kind = f"{name}, {damage}", KINDS[name][0]
    try:
        decoded = decode(file)
    except (ImageError, UnreadableError):
        tally.count(case, "refused")
        return
    if np.array_equal(decoded.pixels, whole):
        tally.count(case, "the same image" + (", with a remark" if decoded.remarks else ""))
        return
    other = second(file, kind)
    if kind in CHECKED or damage in ("cut", "bytes behind"):
        tally.fault(case, f"{told}: other pixels of a file that was damaged")
    elif decoded.remarks:
        tally.count(case, "another image, with a remark")
    elif name == "TIFF, LZW":
        tally.count(case, "another image, and no second decoder")
    elif other is None:
        tally.fault(case, f"{told}: the second decoder refuses it")
    elif other.shape != decoded.pixels.shape or np.abs(other.astype(int) - decoded.pixels).max() > 2:
        tally.fault(case, f"{told}: the second decoder reads other pixels")
    else:
        tally.count(case, "another image, alike by both")
