import functools
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

import ablate.cli.locate
import ablate.execute
from ablate.cli.app import app
from ablate.execute.plan import Plan
from tests.execute.pretend import PRETENDING, make_plan


@pytest.fixture
def ablate_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Calls the command line in an empty directory."""
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def pretended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Plan]:
    """Makes grid.toml stand for a plan of cells that behave as told, trained by `pretend`."""

    def stand_for(*behaviours: str, **options) -> Plan:
        plan = make_plan(*behaviours, **options)
        (tmp_path / "grid.toml").touch()
        for module in (ablate.execute, ablate.cli.locate):
            monkeypatch.setattr(module, "load_plan", lambda *_, **__: plan)
        monkeypatch.setattr(ablate.execute, "run", functools.partial(run, work=PRETENDING))
        return plan

    run = ablate.execute.run
    return stand_for


def files_in(directory: Path) -> list[str]:
    return sorted(str(path.relative_to(directory)) for path in directory.rglob("*"))
