"""Plugins in a directory of their own, and the command line beside them."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ablate.cli.app import app
from ablate.plugins.load import forget_all

ROOT = Path(__file__).parents[2]

LOSS = """
from torch.nn.functional import softplus

from ablate.plugins import adversarial_loss


@adversarial_loss()
def softplus_margin(*, margin: float = 1.0):
    def discriminator(real, fake):
        return softplus(margin - real).mean() + softplus(margin + fake).mean()

    def generator(real, fake):
        return softplus(margin - fake).mean()

    return discriminator, generator
"""
GRID = """
schema = 1
name = "own"
[plugins]
files = ["my_loss.py"]
[base]
preset = "tiny"
data = { crop = 32, batch_size = 1 }
train = { steps = 4, warmup_steps = 0 }
[axes]
"loss.adversarial" = ["hinge", "softplus_margin"]
"""


@pytest.fixture(autouse=True)
def _forgotten() -> Iterator[None]:
    """No plugin of a test is there in the next."""
    yield
    forget_all()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A grid with a loss of its own."""
    (tmp_path / "my_loss.py").write_text(LOSS)
    (tmp_path / "grid.toml").write_text(GRID)
    return tmp_path


Ablate = Callable[..., str]


@pytest.fixture
def ablate(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Ablate:
    """Calls the command line, which knows no plugin beforehand, and expects an exit code; returns what it prints."""
    monkeypatch.chdir(folder)

    def call(*arguments: object, code: int = 0) -> str:
        forget_all()
        done = CliRunner().invoke(app, [str(argument) for argument in arguments])
        assert done.exit_code == code, done.output
        return done.output

    return call


def in_another_process(folder: Path, *arguments: str, path: str = str(ROOT)) -> subprocess.Popen[bytes]:
    """Starts the command line as a program."""
    within = os.environ | {"PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen([sys.executable, "-m", "ablate", *arguments], cwd=folder, env=within)
