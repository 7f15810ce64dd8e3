import json
import subprocess
from pathlib import Path

import pytest

import ablate
from ablate.execute import environment
from ablate.execute.environment import SOURCES, code_fingerprint, provenance


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A package of two files in the place of ours."""
    for name in ("__init__.py", "train/loop.py", "report/html.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x = 1\n")
    monkeypatch.setattr(ablate, "__file__", str(tmp_path / "__init__.py"))
    return tmp_path


def fingerprint() -> str:
    code_fingerprint.cache_clear()
    try:
        return code_fingerprint()
    finally:
        code_fingerprint.cache_clear()


@pytest.mark.parametrize("name", ["train/loop.py", "kernels/network.c", "kernels/network/winograd.h"])
def test_the_fingerprint_follows_the_code_that_results_depend_on(package: Path, name: str):
    before = fingerprint()
    assert fingerprint() == before
    (package / "report" / "html.py").write_text("x = 2\n")
    assert fingerprint() == before
    (package / name).parent.mkdir(parents=True, exist_ok=True)
    (package / name).write_text("x = 2\n")
    assert fingerprint() != before


def test_every_file_of_code_is_in_the_fingerprint():
    names = {path.suffix for path in Path(ablate.__file__).parent.rglob("*") if path.is_file()}
    code = {".py", ".c", ".h", ".cu", ".cuh", ".cpp", ".hpp", ".inc"}
    assert {f"*{suffix}" for suffix in names & code} == set(SOURCES)


def test_the_fingerprint_does_not_depend_on_where_the_package_lies(package: Path, tmp_path_factory, monkeypatch):
    before = fingerprint()
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "ablate"
    package.rename(elsewhere)
    monkeypatch.setattr(ablate, "__file__", str(elsewhere / "__init__.py"))
    assert fingerprint() == before


def test_the_environment_is_plain_and_holds_no_secret(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hunter2")
    recorded = provenance("cpu", 1).plain()
    assert "hunter2" not in json.dumps(recorded)
    assert {"torch", "python", "device", "threads", "fingerprint", "cpu", "git"} <= recorded.keys()
    assert recorded["torch"]


def test_sources_that_are_in_no_repository_have_no_commit(package: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(package.parent))
    assert environment._commit() is None


def test_a_package_installed_inside_a_repository_that_does_not_hold_it_has_no_commit(package: Path):
    def git(*arguments: str) -> str:
        who = ["-c", "user.name=somebody", "-c", "user.email=somebody@example.org"]
        command = ["git", "-C", str(package), *who, *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    git("init", "-q")
    git("commit", "-q", "--allow-empty", "-m", "a project")
    assert environment._commit() is None
    git("add", "__init__.py")
    git("commit", "-q", "-m", "the package itself")
    assert environment._commit() == git("rev-parse", "HEAD")
