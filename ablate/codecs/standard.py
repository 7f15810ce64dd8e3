"""JPEG and WebP as Pillow writes them: codecs that everybody knows, to set a trained one beside."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class StandardCodec:
    """A format with the settings that make its files smallest, and one number from worst to best quality."""

    name: str
    label: str
    lowest: int
    highest: int
    library: str
    options: Mapping[str, Any] = field(default_factory=dict)

    def encode(self, pixels: Pixels, quality: int) -> bytes:
        """Returns the file, header included, of an image, uint8 RGB (3, H, W).

        Raises:
            ValueError: for an image that the format cannot hold (WebP above 16,383 pixels a side).
        """
        from PIL import Image

        file = io.BytesIO()
        try:
            image = Image.fromarray(np.ascontiguousarray(pixels.transpose(1, 2, 0)))
            image.save(file, self.name, quality=quality, **self.options)
        except (OSError, ValueError) as error:
            raise ValueError(f"{self.label} cannot hold {pixels.shape[1]}x{pixels.shape[2]} pixels") from error
        return file.getvalue()

    def decode(self, file: bytes) -> Pixels:
        """Returns the pixels, uint8 RGB (3, H, W), of a file that `encode` made."""
        from PIL import Image

        with Image.open(io.BytesIO(file), formats=[self.name]) as image:
            return np.array(np.asarray(image.convert("RGB")).transpose(2, 0, 1), order="C")

    @property
    def version(self) -> str:
        """The encoder's version, which its files depend on."""
        from PIL import __version__, features

        return f"Pillow {__version__}, {self.library} {features.version(self.library)}"


STANDARD = (
    # Chroma at half resolution, which is best at the rates of learned codecs; progressive scans cost bytes there.
    StandardCodec("JPEG", "JPEG", 1, 95, "jpg", {"optimize": True, "subsampling": "4:2:0"}),
    StandardCodec("WEBP", "WebP", 0, 100, "webp", {"method": 6}),
)
