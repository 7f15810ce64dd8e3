"""The commands of docs/cluster.md, as they stand there, run a grid of four cells in the place of its 480."""

import re
import shlex
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ablate.cli.app import app
from ablate.execute import load_plan
from ablate.execute.shard import Shard
from ablate.grid import read_grid
from tests.execute import fake_slurm
from tests.execute.outcomes import differences, outcome
from tests.execute.processes import ROOT, PythonProcess, eventually

PAGE = (ROOT / "docs" / "cluster.md").read_text("utf-8")
GRID = re.search(r"```toml\n(# sweep\.toml\n.*?)```", PAGE, re.DOTALL)[1]
SMALL = """
model.width = 4
discriminator.width = 4
data.crop = 32
train.steps = 3
train.warmup_steps = 2
"""
NO_GPU = ("--gpus-per-task 1", "--gpus-per-task 0")
"""What tests have no machine for, and what stands in its place."""
PATIENCE = 280


def commands(section: str) -> list[str]:
    """Returns the commands of a section, in their order."""
    text = PAGE.partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    blocks = re.findall(r"```bash\n(.*?)```", text, re.DOTALL)
    return [line for block in blocks for line in block.splitlines()]


def small(weights: list[float]) -> str:
    """Returns the page's grid with tiny codecs, few steps and four cells."""
    text = GRID.replace('preset = "small"\n', f'preset = "tiny"{SMALL}')
    text = re.sub(r'"loss.adversarial" = .*\n"discriminator.scales" = .*\n', '"loss.adversarial" = ["lsgan"]\n', text)
    text = re.sub(r'"loss.lambda_x" = .*', f'"loss.lambda_x" = {weights}', text)
    return text.replace("count = 8", "count = 1")


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Returns a directory with a grid of which each of four shards has a cell, and what one machine makes of it."""
    place = tmp_path_factory.mktemp("cluster")
    grid = place / "sweep.toml"
    weights = [float(number) for number in range(1, 25)]
    grid.write_text(small(weights))
    points = load_plan(grid, place / "runs", remember=True).points
    assert len(points) == len(weights)
    cells = {number: [each for each in points if each.id in Shard(number, 4)] for number in range(1, 5)}
    grid.write_text(small([cells[number][0].axes["loss.lambda_x"] for number in cells]))
    (place / "local" / ".shared").mkdir(parents=True)
    shutil.copytree(place / "runs" / ".shared", place / "local" / ".shared", dirs_exist_ok=True)
    run(place, "ablate run sweep.toml --runs-dir local")
    return place


def words_of(command: str) -> list[str]:
    """Returns what follows `ablate` in a command of the page, with what makes a test fast."""
    program, *words = shlex.split(command)
    assert program == "ablate"
    return [*words, *(("--no-progress", "--no-references") if words[0] == "run" else ())]


def run(directory: Path, command: str, **environment: str) -> None:
    """Runs a command of the page to its end in this process, which has imported everything already."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(directory)
        for name, value in environment.items():
            patch.setenv(name, value)
        done = CliRunner().invoke(app, words_of(command), catch_exceptions=False)
    assert done.exit_code == 0, f"{command}\n{done.output}"


def run_apart(directory: Path, command: str, **environment: str) -> None:
    """The same in a process of its own, as a driver of Ray must be."""
    program = f"import os, sys; os.chdir({str(directory)!r}); from ablate.cli import main; sys.exit(main())"
    process = PythonProcess("-c", program, *words_of(command), **environment)
    assert process.code(PATIENCE) == 0, process.lines


@pytest.fixture
def results(directory: Path) -> Iterator[Callable[[], None]]:
    """Gives a check that the results are those of one machine, and takes them away afterwards."""

    def check() -> None:
        expected = outcome(directory / "local")
        assert len(expected) == 5, "four cells and a warm-up"
        assert differences(expected, outcome(directory / "runs")) == []
        assert (directory / "reports" / "sweep" / "report.html").exists()

    yield check
    shutil.rmtree(directory / "runs")
    shutil.rmtree(directory / "reports", ignore_errors=True)


def test_the_grid_of_the_page_has_480_cells(tmp_path: Path):
    (tmp_path / "sweep.toml").write_text(GRID)
    assert len(list(read_grid(tmp_path / "sweep.toml").points())) == 480


def test_the_commands_for_slurm(directory: Path, results: Callable[[], None]):
    pytest.importorskip("submitit", reason="the extra slurm is not installed")
    scheduler = fake_slurm.install(directory / "slurm")
    for command in commands("Slurm"):
        run(directory, command.replace(*NO_GPU), **scheduler)
    eventually(lambda: set(fake_slurm.tasks(directory / "slurm").values()) == {"COMPLETED"}, "a task did not end well")
    assert "#SBATCH --account=lab" in fake_slurm.scripts(directory / "slurm")[-1]
    results()


def test_the_commands_for_ray(directory: Path, results: Callable[[], None]):
    pytest.importorskip("ray", reason="the extra ray is not installed")
    from tests.execute.ray_nodes import RayNodes

    head, join, *others = commands("Ray")
    nodes = RayNodes(head)
    try:
        nodes.join(join)
        environment = {name: value for name, value in nodes.environment.items() if name != "RAY_ADDRESS"}
        for command in others:
            do = run_apart if "--executor ray" in command else run
            do(directory, command.replace("HEAD:6379", nodes.address), **environment)
    finally:
        nodes.end()
    results()


def test_the_commands_for_shards(directory: Path, results: Callable[[], None]):
    for command in commands("Shards"):
        run(directory, command)
    results()
