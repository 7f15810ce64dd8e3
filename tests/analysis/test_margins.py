from __future__ import annotations

import pytest

from ablate.analysis import margin_value


@pytest.mark.parametrize(
    ("declared", "reference", "margin"), [(0.1, 24.0, 0.1), ("1%", 24.0, 0.24), ("2.5%", -4.0, 0.1), (None, 24.0, 0.0)]
)
def test_a_margin_is_a_number_in_the_unit_or_a_share_of_the_baseline(
    declared: float | str | None, reference: float, margin: float
) -> None:
    assert margin_value(declared, reference) == pytest.approx(margin)


@pytest.mark.parametrize(
    "declared", ["small", "nan%", "inf%", "-1%", "%", "1 %", "5", "", -0.1, float("nan"), float("inf")]
)
def test_what_nothing_can_be_compared_with_is_no_margin(declared: float | str) -> None:
    with pytest.raises(ValueError, match="percentage") as refusal:
        margin_value(declared, 1.0)
    assert repr(declared) in str(refusal.value)
