"""Kernels in C: compiled once, kept by what they depend on, and never a reason to fail."""

from __future__ import annotations

import ctypes
import os
import stat
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ablate.kernels import library as native


@pytest.fixture
def fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty cache, and nothing remembered of the compiler."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    forget()
    yield tmp_path / "ablate" / "kernels"
    forget()


def forget() -> None:
    for remembered in (native.compiler, native.library, native.missing):
        remembered.cache_clear()


def fake_compiler(path: Path, script: str) -> str:
    path.write_text(f'#!/bin/sh\n[ "$1" = --version ] && echo fake && exit 0\n{script}\n')
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


needs_compiler = pytest.mark.skipif(native.compiler() is None, reason="no C compiler")


@needs_compiler
def test_a_library_is_compiled_once_and_then_found(fresh: Path) -> None:
    native.library("gradient_norm")
    (made,) = fresh.glob("gradient_norm-*.so")
    written = made.stat().st_mtime_ns
    forget()
    native.library("gradient_norm")
    assert [made] == list(fresh.iterdir())
    assert made.stat().st_mtime_ns == written


@needs_compiler
def test_another_source_is_another_library(fresh: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sources = tmp_path / "sources"
    (sources / "answer").mkdir(parents=True)
    monkeypatch.setattr(native, "SOURCES", sources)
    for answer in (41, 42):
        (sources / "answer" / "answer.c").write_text(f"int answer(void) {{ return {answer}; }}\n")
        forget()
        assert native.library("answer").answer() == answer


@needs_compiler
@pytest.mark.parametrize("header", ["answer/answer.h", "shared.h"])
def test_another_header_is_another_library(
    fresh: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, header: str
) -> None:
    sources = tmp_path / "sources"
    (sources / "answer").mkdir(parents=True)
    monkeypatch.setattr(native, "SOURCES", sources)
    (sources / "answer" / "answer.c").write_text(f'#include "../{header}"\nint answer(void) {{ return ANSWER; }}\n')
    for answer in (41, 42):
        (sources / header).write_text(f"#define ANSWER {answer}\n")
        forget()
        assert native.library("answer").answer() == answer


def test_without_a_compiler_the_reason_is_a_sentence(fresh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(fresh))
    monkeypatch.delenv("CC", raising=False)
    assert native.missing("ms_ssim") == "no C compiler (looked for $CC, cc, gcc, clang)"


def test_a_compiler_that_refuses_is_quoted(fresh: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC", fake_compiler(tmp_path / "cc", 'echo "x.c:1: error: not today" >&2\nexit 1'))
    assert "refuses: x.c:1: error: not today" in str(native.missing("ms_ssim"))
    assert not list(fresh.iterdir())


def test_a_cache_that_cannot_be_written_is_a_reason(
    fresh: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    monkeypatch.setenv("CC", fake_compiler(tmp_path / "cc", "exit 1"))
    assert "cannot be compiled or loaded" in str(native.missing("ms_ssim"))


@needs_compiler
def test_a_compiler_without_openmp_is_good_enough(fresh: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = native.compiler()
    assert real is not None
    script = f'case " $* " in *" -fopenmp "*) exit 1;; esac\nexec {" ".join(real.command)} "$@"'
    monkeypatch.setenv("CC", fake_compiler(tmp_path / "cc", script))
    forget()
    assert native.missing("gradient_norm") is None


@needs_compiler
def test_loading_a_library_leaves_small_numbers_alone() -> None:
    """Compiled with -ffast-math, gcc before 13 makes the whole process flush denormals to zero."""
    code = (
        "import sys; from ablate.kernels.library import library\n"
        "for name in ('adversarial', 'distortion', 'gradient_norm', 'ms_ssim'): library(name)\n"
        "tiny = 5e-324; sys.exit(0 if tiny / 1.0 > 0 and 1e-310 * 0.5 > 0 else 1)"
    )
    assert subprocess.run([sys.executable, "-c", code], env=os.environ.copy(), check=False).returncode == 0


@needs_compiler
def test_a_term_is_laid_out_as_c_has_it() -> None:
    from ablate.kernels.adversarial.native import TERM
    from ablate.kernels.distortion.native import PAIR

    assert struct.calcsize(TERM) == 8 * ctypes.sizeof(ctypes.c_int64)
    assert struct.calcsize(PAIR) == 4 * ctypes.sizeof(ctypes.c_int64)
