"""Every adversarial loss and every penalty trains a codec on photographs; to diverge is a result, to fail is none."""

from pathlib import Path

import pytest
import torch

from ablate.config import Cell
from ablate.data import prepare, resolve
from ablate.losses.catalogue import adversarial_losses, penalties
from ablate.records import Environment
from ablate.store import Store
from ablate.trackers.tracking import Tracking
from ablate.train.loop import train
from ablate.train.outcome import Outcome
from ablate.train.state import TrainState
from ablate.train.watch import Watch

STEPS = 50


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("photos")


def trained(photos: Path, tmp_path: Path, scales: int = 2, **loss: object) -> tuple[Outcome, list[dict], TrainState]:
    torch.set_num_threads(1)
    settings = {
        "data": {"crop": 32, "batch_size": 2},
        "model": {
            "width": 4,
            "downsamplings": 2,
            "residual_blocks": 0,
            "norm": "none",
            "latent_norm": "batch",
            "channels": 2,
        },
        "discriminator": {"width": 4, "layers": 2, "norm": "channel", "scales": scales},
        "loss": loss,
        "train": {"steps": STEPS, "log_every": 10, "checkpoint_every": STEPS},
    }
    cell = Cell.model_validate(settings)
    cell = cell.model_copy(update={"data": resolve(cell.data, photos)})
    entry = Store(tmp_path, "catalogue").cell(cell.id)
    entry.begin_attempt(Environment())
    state = TrainState.for_cell(cell, "cpu")
    images = prepare(cell.data, "train", photos)
    outcome = train(state, cell, images, Watch(Tracking(entry, 1), "cpu", lambda: False, "train"))
    return outcome, entry.metrics(), state


def assert_a_result(outcome: Outcome, rows: list[dict]) -> None:
    if outcome.status == "diverged":
        assert outcome.cause
    else:
        assert (outcome.status, outcome.step) == ("done", STEPS)
        assert rows[-1].step == STEPS
        assert all(value is not None for value in rows[-1].loss.values())


@pytest.mark.parametrize("name", list(adversarial_losses))
def test_every_adversarial_loss_trains_on_photographs(photos: Path, tmp_path: Path, name: str) -> None:
    matching = {} if adversarial_losses[name].facts["trains_discriminator"] else {"feature_matching": "none"}
    scales = 1 if adversarial_losses[name].facts["discriminator"] == "labels" else 2
    outcome, rows, _ = trained(photos, tmp_path, scales, adversarial=name, **matching)
    assert_a_result(outcome, rows)


@pytest.mark.parametrize("name", list(penalties))
def test_every_penalty_trains_on_photographs(photos: Path, tmp_path: Path, name: str) -> None:
    outcome, rows, state = trained(photos, tmp_path, adversarial="wgan", penalties=[name])
    assert_a_result(outcome, rows)
    assert set(state.memory) <= {name}
