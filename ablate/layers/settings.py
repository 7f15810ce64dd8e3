"""Settings that networks of several rooms share."""

from __future__ import annotations

from typing import Literal

Norm = Literal["instance", "channel", "none"]
