"""torch.compile as a backend: where it can be had. What it computes is held to float64 by `ablate bench`."""

from __future__ import annotations

import shutil

import pytest

from ablate.kernels import backends

compiled = next(each for each in backends("distortion") if each.name == "compiled")


def test_without_a_cpp_compiler_the_reason_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    assert compiled.unavailable("cpu") == "torch.compile has no C++ compiler (looked for $CXX, g++, c++, clang++)"


def test_the_compiler_that_is_named_is_looked_for_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", "my-c++")
    monkeypatch.setattr(shutil, "which", lambda name: name if name == "my-c++" else None)
    assert compiled.unavailable("cpu") is None
