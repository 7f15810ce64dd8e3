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


def test_words_are_no_margin() -> None:
    with pytest.raises(ValueError, match="found 'small'"):
        margin_value("small", 1.0)
