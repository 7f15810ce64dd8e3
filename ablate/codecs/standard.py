"""Formats that Pillow writes: codecs that everybody knows, to set a trained one beside."""

from __future__ import annotations

import contextlib
import importlib
import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import metadata
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class StandardFormat:
    """A format with the settings that make its files smallest, and one number from worst to best quality."""

    name: str
    label: str
    lowest: int
    highest: int
    library: str
    options: Mapping[str, Any] = field(default_factory=dict)
    plugin: str = ""
    """Module that teaches Pillow the format; `library` is then the package's name."""
    needs: str = "install the pillow of PyPI, which is built with it"

    def at(self, quality: int) -> StandardCodec:
        """Returns the codec of one quality."""
        return StandardCodec(self, quality)

    @property
    def version(self) -> str:
        """The encoder's version, which its files depend on."""
        from PIL import __version__, features

        if self.plugin:
            return f"Pillow {__version__}, {self.library} {metadata.version(self.library)}"
        return f"Pillow {__version__}, {self.library} {features.version(self.library)}"

    def require(self) -> None:
        """Refuses a format that this Pillow does not write.

        Raises:
            ValueError: says what would.
        """
        from PIL import Image, __version__

        with contextlib.suppress(ImportError):
            if self.plugin:
                importlib.import_module(self.plugin)
        Image.init()
        if self.name not in Image.SAVE:
            raise ValueError(f"Pillow {__version__} writes no {self.label} here; {self.needs}")

    def require_quality(self, quality: int) -> None:
        """Refuses a quality that the format does not have.

        Raises:
            ValueError: says which it has.
        """
        if not self.lowest <= quality <= self.highest:
            raise ValueError(f"{self.label} has the qualities {self.lowest} to {self.highest}, not {quality}")


@dataclass(frozen=True)
class StandardCodec:
    """A format at one quality."""

    format: StandardFormat
    quality: int

    def encode(self, image: Tensor) -> bytes:
        """Returns the file, header included, of an image, uint8 RGB (3, H, W).

        Raises:
            ValueError: for an image that the format cannot hold (WebP above 16,383 pixels a side).
        """
        from PIL import Image

        file = io.BytesIO()
        try:
            pixels = Image.fromarray(np.ascontiguousarray(image.numpy().transpose(1, 2, 0)))
            pixels.save(file, self.format.name, quality=self.quality, **self.format.options)
        except (OSError, ValueError) as error:
            raise ValueError(f"{self.format.label} cannot hold {image.shape[1]}x{image.shape[2]} pixels") from error
        return file.getvalue()

    def decode(self, file: bytes) -> Tensor:
        """Returns the image, uint8 RGB (3, H, W), of a file of the format, whatever its quality."""
        import torch
        from PIL import Image

        with Image.open(io.BytesIO(file), formats=[self.format.name]) as image:
            return torch.from_numpy(np.array(np.asarray(image.convert("RGB")).transpose(2, 0, 1), order="C"))

    def symbols(self, _file: bytes) -> None:
        """Returns None: what a file holds are no symbols of a few levels."""


FORMATS = {
    # Chroma at half resolution, which is best at the rates of learned codecs; progressive scans cost bytes there.
    "jpeg": StandardFormat("JPEG", "JPEG", 1, 95, "jpg", {"optimize": True, "subsampling": "4:2:0"}),
    "webp": StandardFormat("WEBP", "WebP", 0, 100, "webp", {"method": 6}),
    # One thread, so that the file does not depend on the machine's cores.
    "avif": StandardFormat(
        "AVIF", "AVIF", 0, 100, "avif", {"speed": 4, "subsampling": "4:2:0", "max_threads": 1},
        needs="Pillow 11.3 and newer from PyPI do",
    ),
    "jpegxl": StandardFormat(
        "JXL", "JPEG XL", 0, 100, "pillow-jxl-plugin", {"effort": 7},
        plugin="pillow_jxl", needs="`pip install pillow-jxl-plugin` teaches it",
    ),
}  # fmt: skip
"""Formats by the name that a grid file has for them."""

STANDARD = (FORMATS["jpeg"], FORMATS["webp"])
"""Formats that every report has."""
