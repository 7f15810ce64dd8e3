"""The hash of a plugin is that of its file and of what it imports from its folder."""

from pathlib import Path

import pytest

from ablate.plugins.source import PluginError, source_of_file, source_of_module


def write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        path = folder / f"{name.replace('__', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder / "mine.py"


def test_files_of_the_folder_count_as_far_as_they_are_imported(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        mine="from .near import x\ndef f():\n    from . import late\n",
        near="from .parts.deep import y\nimport os\n",
        late="",
        parts__deep="from ..far import z\n",
        far="z = 1",
        unrelated="",
    )
    assert list(source_of_file(path).files) == ["mine.py", "near.py", "late.py", "parts/deep.py", "far.py"]


@pytest.mark.parametrize("changed", ["mine", "near"])
def test_a_change_of_any_of_them_is_another_source(tmp_path: Path, changed: str) -> None:
    path = write(tmp_path, mine="from .near import x\n", near="x = 1\n", unrelated="")
    before = source_of_file(path).defined_by
    write(tmp_path, unrelated="y = 1")
    assert source_of_file(path).defined_by == before
    with (tmp_path / f"{changed}.py").open("a") as file:
        file.write("# another comment\n")
    assert source_of_file(path).defined_by != before


def test_where_it_lies_and_what_it_is_called_is_no_part_of_it(tmp_path: Path) -> None:
    first = source_of_file(write(tmp_path / "a", mine="from . import near", near="x = 1"))
    write(tmp_path / "b", mine="from . import near", near="x = 1").rename(tmp_path / "b" / "yours.py")
    assert source_of_file(tmp_path / "b" / "yours.py").defined_by == first.defined_by


def test_files_that_cannot_be_read_are_named_with_the_line(tmp_path: Path) -> None:
    with pytest.raises(PluginError, match=r"mine\.py is missing"):
        source_of_file(tmp_path / "mine.py")
    with pytest.raises(PluginError, match=r"mine\.py, line 2: SyntaxError"):
        source_of_file(write(tmp_path, mine="x = 1\ndef f(:\n"))
    with pytest.raises(PluginError, match=r"is no plugin"):
        source_of_file(tmp_path / "grid.toml")


def test_an_installed_module_is_its_distribution_and_another_one_its_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = source_of_module("numpy.linalg")
    assert installed.defined_by.startswith("numpy ")
    assert not installed.files
    (tmp_path / "bench_lab").mkdir()
    (tmp_path / "bench_lab" / "__init__.py").write_text("raise SystemExit")
    (tmp_path / "bench_lab" / "losses.py").write_text("from bench_lab.common import x")
    (tmp_path / "bench_lab" / "common.py").write_text("x = 1")
    monkeypatch.syspath_prepend(tmp_path)
    assert list(source_of_module("bench_lab.losses").files) == [
        "bench_lab/losses.py",
        "bench_lab/__init__.py",
        "bench_lab/common.py",
    ]
    with pytest.raises(PluginError, match=r"no module bench_lab\.lossen"):
        source_of_module("bench_lab.lossen")
