"""Feature maps of image and reconstruction, all layers of all scales, to the sum of mean absolute errors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch

from ablate.kernels.facts import Operator
from ablate.kernels.trial import Trial, channels_last, with_nan


def _trials(generator: torch.Generator, _options: Mapping[str, Any]) -> Iterator[Trial]:
    shapes = ((2, 5, 17, 23), (2, 9, 9, 12), (2, 3, 5, 7), (1, 1, 1, 1))
    image, reconstruction = ([torch.randn(shape, generator=generator) for shape in shapes] for _ in range(2))
    yield Trial("odd sizes", image, reconstruction)
    yield Trial("equal", image, [each.clone() for each in image])
    yield Trial("with gaps", [each[..., ::2] for each in image], [each.flip(-1)[..., ::2] for each in reconstruction])
    yield Trial("channels last", channels_last(image), channels_last(reconstruction))
    yield Trial("with NaN", image, [with_nan(each) for each in reconstruction])


OPERATOR = Operator(
    "feature_matching",
    _trials,
    pays_from={
        "cpu": {"feature_matching": (("native", 0), ("explicit", 0))},
        "cuda": {"feature_matching": (("triton", 0),)},
    },
)
