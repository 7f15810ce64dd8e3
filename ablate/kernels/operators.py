"""The list of operators."""

from __future__ import annotations

from collections.abc import Mapping

from ablate.kernels import adversarial, distortion, feature_matching, gradient_norm, ms_ssim
from ablate.kernels.backend import Backend
from ablate.kernels.facts import Operator
from ablate.registry import chosen

FOLDERS = (adversarial, distortion, ms_ssim, feature_matching, gradient_norm)
OPERATORS: Mapping[str, Operator] = {folder.OPERATOR.name: folder.OPERATOR for folder in FOLDERS}
BACKENDS: Mapping[str, tuple[Backend, ...]] = {folder.OPERATOR.name: folder.BACKENDS for folder in FOLDERS}


def backends(operator: str) -> tuple[Backend, ...]:
    """Returns an operator's backends, usable here or not; the first is the definition, by autograd.

    Raises:
        ValueError: for an operator that there is not.
    """
    return chosen("operator", operator, BACKENDS)
