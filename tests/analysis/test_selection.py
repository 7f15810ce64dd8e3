from __future__ import annotations

import numpy as np

from ablate.analysis.scores import Scores
from ablate.analysis.selection import choose_arms, choose_images

NAN = float("nan")


def scores(**values: list[float]) -> Scores:
    arrays = {name: np.array([row]) for name, row in values.items()}
    return Scores("psnr", "ema", (7,), tuple("pqrst"), arrays)


def test_median_worst_and_most_disputed_images_are_chosen() -> None:
    found = choose_images(scores(base=[5, 1, 3, 4, 2], other=[5, 1, 3, 9, 2]), "base", 7, "PSNR")
    assert [each.image for each in found] == ["r", "q", "s"]
    assert found[2].rule == "PSNR differs most between arms"


def test_an_image_chosen_twice_gives_way_to_the_next() -> None:
    found = choose_images(scores(base=[5, 1, 3, 4, 2], other=[6, 9, 3, 4, 2]), "base", 7, "PSNR")
    assert [each.image for each in found] == ["r", "q", "p"]


def test_fewer_images_than_rules_are_shown_once_each() -> None:
    assert [each.image for each in choose_images(scores(base=[5.0]), "base", 7, "PSNR")] == ["p"]


def test_images_without_a_value_and_arms_without_any_are_left_out() -> None:
    found = choose_images(scores(base=[NAN, 1, 3, NAN, 2], gone=[NAN] * 5), "base", 7, "PSNR")
    assert {each.image for each in found} == {"q", "r", "t"}
    assert choose_images(scores(base=[NAN] * 5), "base", 7, "PSNR") == ()


def test_arms_beyond_the_limit_are_thinned_out_evenly_and_the_named_ones_stay() -> None:
    values = {f"arm{number}": float(number) for number in range(100)}
    kept = choose_arms(values, ("arm99", "arm0"), 5)
    # Of the 98 between them those in the middle of each third.
    assert kept == ("arm0", "arm17", "arm50", "arm82", "arm99")
    assert choose_arms(values, (), 100) == tuple(values)
