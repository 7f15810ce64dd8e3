"""torch, imported where something of it is first used.

A plan looks losses, penalties and augmentations up, and checks their options, and computes nothing: their files take
torch from here, and may be imported without it. Everything else imports torch as usual.
"""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import TYPE_CHECKING, Any

__all__ = ["F", "Tensor", "nn", "torch"]

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn
    from torch.nn import functional as F
else:
    Tensor = "torch.Tensor"
    """For annotations alone."""

    class Late(ModuleType):
        """Stands for a module that may not be imported yet."""

        def __getattr__(self, name: str) -> Any:
            if name.startswith("__"):
                raise AttributeError(name)
            found = getattr(importlib.import_module(self.__name__), name)
            setattr(self, name, found)  # so that nobody is asked the next time
            return found

    torch, nn, F = Late("torch"), Late("torch.nn"), Late("torch.nn.functional")
