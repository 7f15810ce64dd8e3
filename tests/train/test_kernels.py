"""Which backends a training takes: said, recorded, and kept when it goes on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from ablate.config import Cell
from ablate.data import prepare
from ablate.execute.cell import run_cell
from ablate.kernels.library import missing
from ablate.kernels.network import lacking
from ablate.objective import Kernels
from ablate.records import Environment
from ablate.store import Entry, Store
from tests.kernels.flags import compiled_with

NETWORKS = {"network.encoder", "network.quantizer", "network.generator", "network.discriminators"}
ROLES = {"discriminator", "generator", "distortion", "feature_matching", *NETWORKS}
needs_compiler = pytest.mark.skipif(missing("adversarial") is not None, reason=str(missing("adversarial")))

needs_halves = pytest.mark.skipif(lacking("bfloat16") is not None, reason=str(lacking("bfloat16")))


def attempt(cell: Cell, store: Store, kernels: Kernels, steps: int | None = None) -> Entry:
    """Tries once, for so many steps, or to the end."""
    torch.set_num_threads(1)
    for split in ("train", "test"):
        prepare(cell.data, split, store.data_cache)
    entry, calls = store.cell(cell.id), iter(range(1, 100))
    number = entry.begin_attempt(Environment(device="cpu")).number

    def stop() -> bool:
        return next(calls) == steps

    run_cell(
        cell,
        entry,
        warmup=None,
        data_cache=store.data_cache,
        device="cpu",
        attempt=number,
        stop=stop,
        kernels=kernels,
    )
    return entry


def rows(entry: Entry) -> list[dict]:
    return [
        {k: v for k, v in row.plain().items() if k not in ("t", "attempt", "steps_per_second")}
        for row in entry.metrics()
    ]


@needs_compiler
def test_a_training_says_and_records_what_its_losses_are_computed_by(
    make_cell: Callable[..., Cell], store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    entry = attempt(make_cell(), store, "auto")
    taken = entry.environment().kernels
    assert taken == {
        "discriminator": "native",
        "generator": "native",
        "feature_matching": "native",
        **dict.fromkeys(NETWORKS, "native"),
        "distortion": "eager",  # 6144 values of mse are too few for anything to be faster
    }
    assert entry.result().environment.kernels == taken
    assert "kernels: discriminator: native\n" in capsys.readouterr().out


def test_eager_is_eager(make_cell: Callable[..., Cell], store: Store) -> None:
    entry = attempt(make_cell(), store, "eager", steps=1)
    assert entry.environment().kernels == dict.fromkeys(ROLES, "eager")


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize(("first", "then"), [("eager", "auto"), ("auto", "auto")])
def test_a_training_that_goes_on_keeps_its_backends_bit_for_bit(
    make_cell: Callable[..., Cell], tmp_path: Path, first: Kernels, then: Kernels, precision: str
) -> None:
    cell = make_cell(train={"precision": precision})
    undisturbed = attempt(cell, Store(tmp_path / "undisturbed", "test"), first)
    store = Store(tmp_path / "disturbed", "test")
    attempt(cell, store, first, steps=5)
    disturbed = attempt(cell, store, then)
    assert disturbed.environment().kernels == undisturbed.environment().kernels
    assert rows(disturbed) == rows(undisturbed)
    assert disturbed.weights.read_bytes() == undisturbed.weights.read_bytes()


@needs_compiler
@pytest.mark.parametrize("precision", ["float32", pytest.param("bfloat16", marks=needs_halves)])
def test_a_training_goes_on_bit_for_bit_where_convolutions_are_winograds(
    make_cell: Callable[..., Cell], tmp_path: Path, precision: str
) -> None:
    cell = make_cell(model={"width": 8}, train={"precision": precision, "steps": 6})
    disturbed, another = (Store(tmp_path / name, "test") for name in ("disturbed", "another"))
    with compiled_with("-DWITHOUT_TILES"):  # which have no need of it
        undisturbed = attempt(cell, Store(tmp_path / "undisturbed", "test"), "auto")
        assert undisturbed.environment().kernels["network.generator"] == "native"
        for store in (disturbed, another):
            attempt(cell, store, "auto", steps=3)
        entry = attempt(cell, disturbed, "auto")
    assert rows(entry) == rows(undisturbed)
    assert entry.weights.read_bytes() == undisturbed.weights.read_bytes()

    # That this cell has such layers, and that one which went on without them would be seen.
    with compiled_with("-DWITHOUT_TILES", "-DWINOGRAD_FROM=1000000"):
        entry = attempt(cell, another, "auto")
    assert entry.environment().kernels == undisturbed.environment().kernels
    assert entry.weights.read_bytes() != undisturbed.weights.read_bytes()


def test_a_checkpoint_from_before_there_was_a_choice_goes_on_by_definition(
    make_cell: Callable[..., Cell], store: Store
) -> None:
    cell = make_cell()
    first = attempt(cell, store, "eager", steps=5).last_attempt()
    assert first is not None
    first.note("kernels", None)
    entry = attempt(cell, store, "auto", steps=2)
    assert entry.environment().kernels == dict.fromkeys(ROLES, "eager")


@needs_compiler
@pytest.mark.parametrize("loss", ["hinge", "lsgan", "vanilla"])
def test_a_training_by_kernels_is_the_training_by_definition(
    make_cell: Callable[..., Cell], tmp_path: Path, loss: str
) -> None:
    cell = make_cell(loss={"adversarial": loss, "distortion": "l1"})
    auto, eager = (attempt(cell, Store(tmp_path / name, "test"), name) for name in ("auto", "eager"))
    assert auto.environment().kernels["feature_matching"] == "native"
    for mine, other in zip(rows(auto), rows(eager), strict=True):
        # Sums in another order, which steps amplify: a latent between two centers may change its symbol.
        assert mine["loss"] == pytest.approx(other["loss"], rel=1e-5 if mine["step"] == 1 else 0.01)
    assert auto.result().metrics["ema"]["psnr"] == pytest.approx(eager.result().metrics["ema"]["psnr"], rel=0.01)
