"""Fast forms of the losses, which lie in a room above this one: looked up by name where a caller asks for them."""

from __future__ import annotations

import importlib
from typing import Any, Literal, get_args

from ablate.registry import unknown

Kernels = Literal["auto", "eager"]
"""The fastest code that agrees with a definition in float64 on the machine at hand, or the definition itself."""
FORMS = "ablate.kernels.forms"
"""Named and not imported, as that room rests on this one."""


def forms(kernels: Kernels) -> Any:
    """Returns the module of the fast forms, or None where definitions are wanted.

    Raises:
        ValueError: for a choice of kernels that there is not.
    """
    if kernels not in get_args(Kernels):
        raise ValueError(unknown("choice of kernels", str(kernels), list(get_args(Kernels))))
    return importlib.import_module(FORMS) if kernels == "auto" else None
