"""Image files: how one is read, which must be the one that was hashed."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def read_image(path: Path, sha256: str) -> NDArray[np.uint8]:
    """Returns the pixels of an image file that was hashed before: uint8 RGB (3, H, W).

    Raises:
        ImageError: for an image that cannot be used.
        ValueError: if the file is another by now.
    """
    from ablate.sources.decode import decode

    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != sha256:
        raise ValueError(f"{path} has changed while it was read")
    return decode(content)
