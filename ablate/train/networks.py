"""The networks of a training, each computed by the fastest code that agrees with it, as long as the training lasts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from ablate.codecs.agustsson.quantizer import Quantizer
from ablate.kernels.network import in_place_of
from ablate.objective import Choice
from ablate.train.state import TrainState


@contextmanager
def fast_networks(state: TrainState, choice: Choice | None, precision: str) -> Iterator[None]:
    """Lets a choice decide by what codec and discriminators compute their forward pass; afterwards it is by definition.

    What is measured, compressed and averaged is always by definition: one program writes and reads a file.
    """
    modules = dict(state.codec.parts())
    modules |= {name: each for name, each in state.codec.named_children() if isinstance(each, Quantizer)}
    if state.discriminator is not None:
        modules["discriminators"] = state.discriminator
    with ExitStack() as stack:
        for name, module in modules.items() if choice else ():
            assert choice is not None
            if (fast := choice.module(f"network.{name}", module, precision)) is not None:
                stack.enter_context(in_place_of(module, fast))
        yield
