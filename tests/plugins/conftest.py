"""Plugins in a directory of their own, and the command line beside them."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ablate.plugins.load import forget, loaded

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
    for source in loaded():
        forget(source)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A grid with a loss of its own."""
    (tmp_path / "my_loss.py").write_text(LOSS)
    (tmp_path / "grid.toml").write_text(GRID)
    return tmp_path


@pytest.fixture
def ablate(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs the command line, and expects an exit code."""

    def run(*arguments: object, code: int = 0, **environment: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "ablate", *map(str, arguments)]
        within = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"} | environment
        done = subprocess.run(command, cwd=tmp_path, env=within, capture_output=True, text=True, check=False)
        assert done.returncode == code, done.stdout + done.stderr
        return done

    return run
