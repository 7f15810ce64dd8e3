"""Agreement with float64: the check that every backend has to pass, on results made up for it."""

from __future__ import annotations

from math import inf, nan

import pytest
import torch
from torch import Tensor

from ablate.kernels import Gradients
from ablate.kernels.agreement import disagreement
from ablate.kernels.backend import Tolerance

TOLERANCE = Tolerance(value=1e-3, floor=0.0, gradient=1e-2)


def tensor(*values: float) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


def result(value: float = 2.0, image: Tensor | None = None, *others: Tensor) -> Gradients:
    return Gradients(tensor(value)[0], (tensor(3.0, 4.0) if image is None else image, *others), (tensor(0.0, 1.0),))


@pytest.mark.parametrize(
    ("found", "expected", "agrees"),
    [
        (2.0019, 2.0, True), (2.0021, 2.0, False), (1.9979, 2.0, False), (-2.0, 2.0, False), (1e-6, 0.0, False),
        (nan, 2.0, False), (2.0, nan, False), (inf, 2.0, False), (2.0, inf, False), (nan, inf, False),
    ],
)  # fmt: skip
def test_a_loss_agrees_within_its_share_of_the_expected_one(found: float, expected: float, agrees: bool) -> None:
    said = disagreement(result(found), result(expected), TOLERANCE)
    assert said == (None if agrees else f"the loss is {found:.9g}, not {expected:.9g}")


def test_what_a_definition_cannot_resolve_is_added_to_its_share() -> None:
    floors = TOLERANCE._replace(floor=1e-5, gradient_floor=0.5)
    assert disagreement(result(0.9e-5), result(0.0), floors) is None
    assert disagreement(result(1.1e-5), result(0.0), floors) is not None
    assert disagreement(result(2.0, tensor(3.0, 4.5)), result(), floors) is None
    assert disagreement(result(2.0, tensor(3.0, 4.6)), result(), floors) is not None


def test_losses_that_are_not_finite_in_the_same_way_agree() -> None:
    lost = tensor(nan, nan)
    assert disagreement(result(nan, lost), result(nan, lost), TOLERANCE) is None


@pytest.mark.parametrize(
    ("found", "expected", "said"),
    [
        (tensor(3.0, 4.04), tensor(3.0, 4.0), None),
        (tensor(3.0, 4.06), tensor(3.0, 4.0), "is off by 0.012 of its norm, above 0.01"),
        (tensor(3.0), tensor(3.0, 4.0), "has the shape (1,), not (2,)"),
        (tensor(0.0, 1.0), tensor(0.0, 0.0), "is not zero"),
        (tensor(0.0, 0.0), tensor(0.0, 0.0), None),
        (tensor(3.0, nan), tensor(3.0, 4.0), "is finite in 1 places, not in 2 of 2"),
        (tensor(3.0, 4.0), tensor(3.0, nan), "is finite in 2 places, not in 1 of 2"),
        (tensor(nan, nan), tensor(3.0, nan), None),
    ],
)
@pytest.mark.parametrize("side", ["image", "reconstruction"])
def test_a_gradient_agrees_by_its_norm_and_hides_nothing_that_is_not_finite(
    side: str, found: Tensor, expected: Tensor, said: str | None
) -> None:
    ours, theirs = (result()._replace(**{side: (each,)}) for each in (found, expected))
    assert disagreement(ours, theirs, TOLERANCE) == (None if said is None else f"gradient 0 of the {side} {said}")


def test_each_tensor_of_a_side_has_a_gradient() -> None:
    assert disagreement(result(), result(2.0, None, tensor(1.0)), TOLERANCE) == (
        "there are 1 gradients of the image, not 2"
    )
    off = disagreement(result(2.0, None, tensor(2.0)), result(2.0, None, tensor(1.0)), TOLERANCE)
    assert off == "gradient 1 of the image is off by 1 of its norm, above 0.01"
