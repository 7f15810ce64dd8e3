"""A discriminator that is defined here, and a loss that needs it, are trained like those that ship."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from ablate.config import Cell
from ablate.data import prepare
from ablate.discriminators.build import build_discriminator, count_parameters
from ablate.discriminators.catalogue import discriminators
from ablate.discriminators.discriminator import Discriminator, DiscriminatorOutput
from ablate.discriminators.settings import DiscriminatorSettings
from ablate.execute.cell import run_cell
from ablate.layers.code import Code
from ablate.losses.catalogue import adversarial_losses
from ablate.store import Entry
from ablate.train.preflight import preflight
from tests.train.conftest import MakeCell

SPLITS = ("train", "test")


class LineDiscriminator(Discriminator):
    """One logit for each row of an image and one for each column: two scales of its own."""

    scales = 2

    def __init__(self, width: int, code: Code) -> None:
        super().__init__()
        self.channels = code.channels
        self.features = nn.Linear(3, width)
        self.logits = nn.Linear(width, 1)

    def forward(self, image: Tensor, symbols: Tensor | None = None) -> DiscriminatorOutput:
        assert symbols is None or symbols.shape[1] == self.channels
        features = [self.features(image.mean(side)[:, :, None].movedim(1, -1)).relu() for side in (2, 3)]
        logits = tuple(self.logits(each).movedim(-1, 1) for each in features)
        return DiscriminatorOutput(logits, tuple((each.movedim(-1, 1),) for each in features))


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Registers the kind, and hinge under another name that needs it, for one test."""
    for registry in (discriminators, adversarial_losses):
        list(registry)  # those that ship
        monkeypatch.setattr(registry, "_entries", dict(registry._entries))

    @discriminators.register(source="here")
    def lines(settings: DiscriminatorSettings, code: Code | None) -> Discriminator:
        assert code is not None
        return LineDiscriminator(settings.width, code)

    hinge = adversarial_losses["hinge"]

    @adversarial_losses.register(**{**hinge.facts, "discriminator": "lines"})
    def hinge_of_lines() -> object:
        return hinge.function()


@pytest.fixture
def cell(make_cell: MakeCell) -> Cell:
    return make_cell(loss={"adversarial": "hinge_of_lines", "penalties": ["r1"]})


def test_it_is_trained_measured_and_saved(cell: Cell, claimed: Callable[[Cell], Entry]) -> None:
    entry = claimed(cell)
    common = {"warmup": None, "data_cache": entry.path.parents[2] / "data", "device": "cpu", "attempt": 1}
    assert run_cell(cell, entry, stop=lambda: True, **common).status == "interrupted"
    assert run_cell(cell, entry, stop=lambda: False, **common).status == "done"
    assert entry.result().codec.parameters["discriminator"] == 4 * 4 + 5
    assert len(entry.metrics()[-1].scales) == 2
    weights = torch.load(entry.weights, weights_only=True)["discriminator"]
    first = build_discriminator(cell.discriminator, cell.seed, "lines", cell.model.code).state_dict()
    assert weights.keys() == first.keys()
    assert not torch.equal(weights["logits.weight"], first["logits.weight"])


def test_its_first_weights_are_a_function_of_the_seed(cell: Cell) -> None:
    before = torch.random.get_rng_state()
    first, again, other = (
        build_discriminator(cell.discriminator, seed, "lines", cell.model.code).features.weight for seed in (0, 0, 1)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert count_parameters(cell.discriminator, "lines", cell.model.code) == 21


def test_preflight_looks_at_its_scales(cell: Cell, tmp_path: Path) -> None:
    found = {each.check: each for each in preflight(cell, *(prepare(cell.data, s, tmp_path) for s in SPLITS), "cpu")}
    assert found["scales"].verdict == "ok", found["scales"]
    assert "[0, 1] of [0, 1]" in found["scales"].found


def test_a_loss_may_need_no_kind_that_there_is_not(make_cell: MakeCell) -> None:
    hinge = adversarial_losses["hinge"]

    @adversarial_losses.register(**{**hinge.facts, "discriminator": "line"})
    def hinge_of_nothing() -> object:
        return hinge.function()

    with pytest.raises(ValueError, match=r"unknown discriminator kind 'line' .* did you mean 'lines'"):
        make_cell(loss={"adversarial": "hinge_of_nothing"})
