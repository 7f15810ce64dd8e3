"""The five parts of the campaign: what is run, for how long at most, and what is made of it."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from tests.gpu import goals, study

ROOT = Path(__file__).parents[2]
UNFINISHED = 75
"""The exit code of a command that ended in time and has not done all; run again it goes on."""


@dataclass(frozen=True)
class Plan:
    """Where the campaign runs and writes.

    Attributes:
        reports: the directory of reports; kernels go to bench/, all else to gpu/.
        machine: what `tests.gpu.machine` found: the GPU's name, versions, what is missing.
        device: cuda, or cpu where the campaign is only tried.
        runs: where cells are kept.
    """

    reports: Path
    machine: Mapping[str, Any]
    device: str
    runs: Path

    @property
    def dry(self) -> bool:
        """Whether nothing is measured that means anything."""
        return self.device == "cpu"

    @property
    def name(self) -> str:
        """The GPU's name as that of a file."""
        return re.sub(r"[^a-z0-9]+", "-", str(self.machine["gpu"]).lower()).strip("-")

    @property
    def place(self) -> Path:
        """Where all but the kernels' figures are written."""
        return self.reports / "gpu" / self.name


class Command(NamedTuple):
    """A program, and by which share of its part's limit it must have ended; `open_ended` ones are simply stopped."""

    words: Sequence[str]
    until: float = 1.0
    open_ended: bool = False


@dataclass(frozen=True)
class Part:
    """One part of the campaign.

    Attributes:
        name: of the part.
        seconds: its time limit.
        commands: a plan and the limit to the programs, which run one after another.
        needs: modules without which it cannot run.
        finish: makes figures of what the commands wrote; returns what is missing of them, in a sentence.
    """

    name: str
    seconds: float
    commands: Callable[[Plan, float], Sequence[Command]]
    needs: tuple[str, ...] = ()
    finish: Callable[[Plan], str] = lambda _plan: ""


def python(*arguments: str | Path | float) -> list[str]:
    """Returns a command that this Python runs."""
    return [sys.executable, *map(str, arguments)]


def marked(plan: Plan, _seconds: float) -> Sequence[Command]:
    """The tests that are marked gpu; of those the first file alone where the campaign is only tried."""
    found = [path for path in ROOT.glob("tests/*/test_*.py") if re.search(r"mark\.gpu\b", path.read_text("utf-8"))]
    files = sorted(str(path.relative_to(ROOT)) for path in found)
    # Plugins that the project's settings name need not be here, and warnings of packages are no failures.
    plain = ("-o", "addopts=", "-o", "filterwarnings=default", "-p", "no:cacheprovider")
    result = f"--junitxml={plan.place / 'tests.xml'}"
    return [Command(python("-m", "pytest", "-q", "-m", "gpu", *plain, result, *(files[:1] if plan.dry else files)))]


def kernels(plan: Plan, seconds: float) -> Sequence[Command]:
    """The loss kernels by the bench, and losses in graphs, for which it has no candidate."""
    small = ("--kernel", "l1", "--shape", "1x3x16x16", "--backend", "native") if plan.dry else ()
    budget = f"{0.75 * seconds:.0f}s"
    summary = plan.reports / "bench" / f"{plan.name}.json"
    summary.parent.mkdir(parents=True, exist_ok=True)
    where = ("--device", plan.device, "--runs-dir", plan.runs)
    graphed = python("-m", "tests.gpu.goals", "--device", plan.device, "--into", plan.place / goals.GRAPHED)
    return [
        Command(python("-m", "ablate", "bench", *where, "--budget", budget, "--summary", summary, *small), 0.85),
        Command(graphed),
    ]


def against_goals(plan: Plan) -> str:
    """Writes what was measured beside its goals; says which were not, where that means anything."""
    missing = goals.write(plan.reports / "bench", plan.place, plan.name)
    return "" if plan.dry else missing


def module(name: str) -> Callable[[Plan, float], Sequence[Command]]:
    """A part that is a program of this folder, which keeps its limit itself."""

    def commands(plan: Plan, seconds: float) -> Sequence[Command]:
        into = plan.place / f"{name}.json"
        options = ("--device", plan.device, "--into", into, "--seconds", 0.9 * seconds)
        return [Command(python("-m", f"tests.gpu.{name}", *options))]

    return commands


def cells(plan: Plan, _seconds: float) -> Sequence[Command]:
    """Cells of the study until time is up, and the report of those that are done."""
    grid = study.write(plan.place, dry=plan.dry, at_once=study.best(plan.place / "together.json"))
    where = ("--runs-dir", plan.runs)
    run = python("-m", "ablate", "run", grid, *where, "--device", plan.device, "--no-progress", "--no-references")
    return [
        Command(run, 0.75, open_ended=True),
        Command(python("-m", "ablate", "report", grid, *where, "--reports-dir", plan.place)),
    ]


PARTS = (
    Part("tests", 240, marked, ("pytest",)),
    Part("kernels", 420, kernels, ("triton",), against_goals),
    Part("steps", 270, module("steps")),
    Part("together", 240, module("together")),
    Part("cells", 270, cells, finish=lambda plan: study.missing(plan.place / study.FILE, plan.runs)),
)
