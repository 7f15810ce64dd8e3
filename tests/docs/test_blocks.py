"""The code of the documentation runs as it stands there; three pages have tests of their own."""

from __future__ import annotations

import functools
import re
import shlex
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ablate.cli.app import app
from ablate.grid import read_grid

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
RUN_ELSEWHERE = {
    "cluster.md": "tests/execute/test_cluster_page.py",
    "extending.md": "tests/test_docs.py",
    "python.md": "tests/api/test_page.py",
}
SHORTER = {
    "train.steps = 160": "train.steps = 3",
    'test = "photos/test"': 'test = "photos/test"\ncrop = 32\nbatch_size = 2',
    "train.warmup_steps = 200": "train.warmup_steps = 2",
    "values = [0, 1, 2, 3, 4, 5]": "values = [0, 1, 2, 3, 4]",
    "[6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17]": "[6, 7]",
    '.convert("RGB").save': '.convert("RGB").resize((96, 72)).save',
}
"""What a test of the tutorial trains less than a reader does; all else is as it stands there."""

Do = Callable[[str, str], None]


@pytest.fixture(scope="module")
def do(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Do]:
    """Does what a reader does with a block of a kind: runs Python and shell, writes files that name themselves."""
    actions = {"python": _run, "bash": _shell, "toml": _write}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("reader"))
        yield lambda kind, text: actions[kind](text)


def _run(text: str) -> None:
    exec(compile(text, "a page", "exec"), {})


def _write(text: str) -> None:
    name = text.partition("\n")[0].removeprefix("# ")
    assert name.endswith(".toml"), f"a file says its name in its first line: {text}"
    Path(name).write_text(text, encoding="utf-8")


def _shell(text: str) -> None:
    """Runs each command; those of `ablate` in this process, which has torch already."""
    for line in text.replace("\\\n", " ").splitlines():
        words = shlex.split(line)
        if words[0] == "ablate":
            done = CliRunner().invoke(app, words[1:], catch_exceptions=False)
            assert done.exit_code == 0, f"{line}\n{done.output}"
        else:
            subprocess.run(words, check=True)


def _blocks(page: str) -> list[tuple[str, str]]:
    found = [(kind, text) for kind, text in BLOCK.findall((DOCS / page).read_text("utf-8")) if kind != "latex"]
    assert found, f"{page} has no code"
    return found


def test_the_tutorial_goes_from_photographs_to_a_decision(do: Do) -> None:
    text = "".join(text for _, text in _blocks("tutorial.md"))
    assert [words for words in SHORTER if words not in text] == []
    for kind, text in _blocks("tutorial.md"):
        do(kind, functools.reduce(lambda text, long: text.replace(long, SHORTER[long]), SHORTER, text))


def test_pages_that_read_the_last_run_do(do: Do) -> None:
    """After the tutorial, whose run is the last."""
    for kind, text in (*_blocks("figures.md"), *_blocks("by-eye.md")):
        do(kind, text)
    assert Path("eye/by-eye.html").is_file()


def test_the_verdict_of_the_page_is_what_it_says(do: Do) -> None:
    for kind, text in _blocks("verdicts.md"):
        do(kind, text)


def test_the_tracker_of_the_page_writes_its_table(do: Do) -> None:
    for kind, text in _blocks("tracker.md"):
        do(kind, text)
    do("bash", "ablate run tracked.toml --no-progress --no-references")
    (table,) = Path("runs/tracked/cells").glob("*/metrics.csv")
    assert "loss/generator" in table.read_text().partition("\n")[0]


def test_the_grid_file_of_the_page_is_one(do: Do) -> None:
    for kind, text in _blocks("grid.md"):
        do(kind, text)
    assert [names.label for names in read_grid("sizes.toml").names] == ["", "size"]


def test_no_page_has_code_that_is_not_run() -> None:
    run = set(re.findall(r'_blocks\("([\w-]+\.md)"\)', Path(__file__).read_text("utf-8"))) | set(RUN_ELSEWHERE)
    code = {path.name for path in DOCS.glob("*.md") if re.search(r"^```(python|bash|toml)", path.read_text(), re.M)}
    assert code <= run
    assert all((ROOT / path).is_file() for path in RUN_ELSEWHERE.values())
