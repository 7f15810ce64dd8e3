"""The losses by kind and name: what grid files, documents and checks look up.

Looking a loss up imports no torch; computing one does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ablate.registry import Computed, Entry, Extension, Registry


def _measured(fact: str) -> Computed:
    """Returns a fact that is found by trying the loss, with its default options, where it is not given."""

    def measure(entry: Entry) -> Any:
        from ablate.losses import measured

        return getattr(measured, fact)(entry)

    return Computed(measure)


def _contract(kind: str) -> Callable[[Any, Callable[..., Any]], Any]:
    """Returns the check of what functions of plugins return."""

    def check(made: Any, of: Callable[..., Any]) -> Any:
        from ablate.losses import contract

        return getattr(contract, kind)(made, of)

    return check


adversarial_losses = Registry(
    "adversarial loss",
    "ablate.losses.classic",
    "ablate.losses.relativistic",
    "ablate.losses.divergences",
    "ablate.losses.energies",
    "ablate.losses.labelled",
    facts={
        "convention": "",
        "gradient_at_zero": _measured("gradient_at_zero"),
        "gradient_losing": _measured("gradient_losing"),
        "ranges": {},
        "trains_discriminator": True,
        "generator_sees_real": _measured("sees_real"),
        "decomposes": _measured("decomposes"),
        "discriminator": "patch",
    },
    check=_contract("adversarial_loss"),
)
"""Facts: what sets the form apart from others of its name; the generator's gradient per logit at r = f = 0 and where
the discriminator wins (r = 4, f = -4); sensible ranges of the options; whether the discriminator is trained, the
generator's loss looks at the image's logits, and the loss of a batch is the mean of its parts' losses; and the kind of
discriminator that it needs: "patch" for any with logits of patches, autoencoders whose logit is minus the "energy" of
their error, or networks that tell "labels" apart."""
generator_losses = Extension("adversarial loss of the generator", adversarial_losses)
"""The same, and `same`."""


@generator_losses.register(formula=r"L_G", source="the pair that the discriminators' loss is published as")
def same() -> None:
    """The generator's half of the loss that the discriminators have."""


distortions = Registry(
    "distortion",
    "ablate.losses.pixel",
    "ablate.losses.structure",
    "ablate.losses.frequency",
    "ablate.losses.pyramid",
    "ablate.losses.perceptual",
    facts={"convention": "", "ranges": {}, "smallest_side": 1},
    check=_contract("distortion"),
)
penalties = Registry(
    "penalty",
    "ablate.losses.gradient_penalties",
    "ablate.losses.consistency",
    "ablate.losses.constraints",
    facts={"convention": "", "ranges": {}, "second_order": None, "moves": False},
    check=_contract("penalty"),
)
"""Facts: as above; `second_order` says that it differentiates a gradient, `moves` that it shows images
moved."""
feature_matchings = Registry("feature matching", "ablate.losses.matching")
