import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

import ablate
import ablate.execute
from ablate import memory
from ablate.cli.app import COMMANDS
from ablate.store import Busy

HEAVY = ("torch", "pandas", "matplotlib", "seaborn", "numpy", "scipy", "skimage", "rich", "PIL")
TYPED = ("pydantic",)
"""What commands that read records need, and `--help` does not."""


def test_help_names_every_command_and_the_exit_codes(ablate_in):
    result = ablate_in("--help")
    assert result.exit_code == 0
    assert all(f"\n  {command.__name__} " in result.output for command in COMMANDS)
    assert "130 interrupted" in " ".join(result.output.split())
    assert "\n    ablate run grid.toml " in result.output  # a line of its own, not run into its neighbours


@pytest.mark.parametrize("command", [command.__name__ for command in COMMANDS])
def test_every_command_teaches_by_an_example(ablate_in, command: str):
    result = ablate_in(command, "--help")
    assert result.exit_code == 0
    assert f"Example: ablate {command}" in result.output
    assert result.output.count("Example:") == result.output.count("\n  Example: ")  # not run into one another


def test_every_command_is_told_in_a_sentence_that_fits(ablate_in):
    commands = ablate_in("--help").output.partition("Commands:\n")[2].partition("\n\n")[0]
    assert "..." not in commands


def test_the_version_is_printed(ablate_in):
    assert ablate_in("--version").output == f"ablate {ablate.__version__}\n"


@pytest.mark.parametrize(
    ("modules", "heavy"),
    [
        ("ablate.cli.app", HEAVY + TYPED),
        ("ablate.cli.status, ablate.cli.locate", HEAVY),
        ("ablate.execute.worker", HEAVY),
    ],
)
def test_commands_import_nothing_heavy_before_they_need_it(modules: str, heavy: tuple[str, ...]):
    program = f"import {modules}, sys; print([name for name in {heavy!r} if name in sys.modules])"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment)
    assert said.stdout == "[]\n"


def test_an_unknown_command_or_option_is_a_usage_error(ablate_in):
    assert ablate_in("stauts").exit_code == 2
    assert ablate_in("status", "--jsn").exit_code == 2


def test_a_mistake_of_the_user_is_a_sentence_and_no_traceback(ablate_in):
    result = ablate_in("plan", "none.toml")
    assert result.exit_code == 2
    assert "error: there is no grid file none.toml" in result.stderr
    assert "Traceback" not in result.output


def test_where_an_error_comes_from_is_shown_on_request(ablate_in):
    result = ablate_in("--traceback", "plan", "none.toml")
    assert result.exit_code == 2
    assert "Traceback" in result.stderr
    assert "ValueError: there is no grid file none.toml" in result.stderr


def test_the_directories_may_stand_before_the_command_too(ablate_in, pretended, tmp_path: Path):
    pretended("well")
    assert ablate_in("--runs-dir", "elsewhere", "run", "grid.toml").exit_code == 0
    assert (tmp_path / "elsewhere" / "pretended" / "plan.json").exists()
    assert not (tmp_path / "runs").exists()
    assert "1 done" in ablate_in("status", "-C", "elsewhere").output


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), 3, "nothing is lost"),
        (PermissionError(errno.EACCES, "Permission denied"), 2, "error: Permission denied"),
        (NotADirectoryError(errno.ENOTDIR, "Not a directory", "a/b"), 2, "error: a/b: Not a directory"),
        (ChildProcessError("the fork server is killed again and again"), 3, "again and again"),
        (KeyboardInterrupt(), 130, "interrupted"),
        (Busy("runs/g/cells/a/lock is held by here 7"), 75, "error: runs/g/cells/a/lock is held by here 7; run"),
        (MemoryError(), 3, "error: there is not enough memory"),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"), 3, "there is not enough memory"),
        (ImportError("a.so: failed to map segment from shared object"), 3, "there is not enough memory"),
    ],
)
def test_what_the_system_refuses_has_its_exit_code(ablate_in, pretended, monkeypatch, error, code: int, said: str):
    pretended("well")

    def refuse(*_, **__):
        raise error

    monkeypatch.setattr(ablate.execute, "run", refuse)
    result = ablate_in("run", "grid.toml")
    assert result.exit_code == code
    assert said in result.stderr


@pytest.mark.parametrize("error", [RuntimeError("FT_Open_Face failed: out of memory"), SystemError("returned NULL")])
def test_an_error_of_a_library_without_memory_is_told_as_such(ablate_in, pretended, monkeypatch, error):
    monkeypatch.setattr(memory, "available", lambda: 0 if isinstance(error, SystemError) else 1 << 40)
    pretended("well")
    monkeypatch.setattr(ablate.execute, "run", lambda *_, **__: (_ for _ in ()).throw(error))
    result = ablate_in("run", "grid.toml")
    assert result.exit_code == 3
    assert "not enough memory" in result.stderr


def test_an_end_of_input_that_nobody_foresaw_is_no_regression(ablate_in, pretended, monkeypatch):
    pretended("well")
    monkeypatch.setattr(ablate.execute, "run", lambda *_, **__: (_ for _ in ()).throw(EOFError("unexpected EOF")))
    result = ablate_in("run", "grid.toml")
    assert isinstance(result.exception, RuntimeError)  # which `main` ends with 70; typer ends EOFError with 1
