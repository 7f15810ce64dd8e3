"""Random regions that a selective codec keeps."""

from __future__ import annotations

import numpy as np
import torch

from ablate.data.regions import draw
from ablate.rng import stream
from ablate.sources.label_maps import planes


def test_a_box_is_a_box_within_the_image_and_of_any_place_and_size() -> None:
    found = [draw("random_box", (20, 30), None, stream(0, "box", step)) for step in range(200)]
    for region in found:
        rows, columns = region.any(1).sum(), region.any(0).sum()
        assert region.sum() == rows * columns > 0
    assert torch.stack(found).any(0).all()
    assert len({int(region.sum()) for region in found}) > 50


def test_a_quarter_of_the_instances_is_kept_whole() -> None:
    numbers = np.arange(8).repeat(6).reshape(6, 8) * 300
    given = torch.from_numpy(planes(np.zeros((6, 8), np.uint8), numbers))
    seen = set()
    for step in range(40):
        region = draw("random_instance", (6, 8), given, stream(0, "instances", step)).numpy()
        kept = set(numbers[region])
        assert len(kept) == 2
        assert not kept & set(numbers[~region])
        seen |= kept
    assert len(seen) == 8


def test_one_instance_is_kept_where_a_quarter_is_none() -> None:
    given = torch.zeros(3, 4, 4, dtype=torch.uint8)
    assert draw("random_instance", (4, 4), given, stream(0, "instances")).all()
