from __future__ import annotations

from tests.images import rgb, write_image

__all__ = ["rgb", "write_image"]
