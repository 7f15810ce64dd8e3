"""Constraints on the discriminators' weights: no term of the loss, but a change after each step."""

from __future__ import annotations

from ablate.late_torch import nn, torch
from ablate.losses.penalized import Penalty
from ablate.plugins import penalty


@penalty(
    formula=r"w \leftarrow \mathrm{clip}(w, -c, c)",
    source="Arjovsky et al. 2017, algorithm 1",
    convention="every parameter, biases and the scales of norms among them; published with RMSProp at 5e-5 and five "
    "discriminator steps to one of the generator",
    ranges={"bound": (0.001, 1.0)},
)
def clip(*, bound: float = 0.01) -> Penalty:
    """Keeps each of the discriminators' weights within `bound` of zero.

    Raises:
        ValueError: unless `bound` is positive.
    """
    if bound <= 0:
        raise ValueError(f"clip needs a positive bound, not {bound}")

    def constrain(discriminator: nn.Module) -> None:
        with torch.no_grad():
            for weight in discriminator.parameters():
                weight.clamp_(-bound, bound)

    return Penalty(constrain=constrain)
