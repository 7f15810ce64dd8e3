"""The backends that are chosen for a training, and why not others."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch

from ablate.kernels import backends
from ablate.kernels import fastest as choosing
from ablate.kernels.library import missing
from ablate.objective import Choice
from tests.kernels.test_proof import slightly_wrong

needs_compiler = pytest.mark.skipif(missing("distortion") is not None, reason=str(missing("distortion")))


def choose(name: str, size: int, **settings: Any) -> tuple[str, str]:
    """Returns what a choice takes for a distortion of so many values, and the sentence that it says."""
    said: list[str] = []
    choice = Choice(**{"kernels": "auto", "device": "cpu", "log": lambda _role, text: said.append(text)} | settings)
    operator = "ms_ssim" if name == "ms_ssim" else "distortion"
    options = {"levels": 1} if name == "ms_ssim" else {"mse": 0.0, name: 1.0}
    loss = choice.loss("distortion", name, operator, options, [torch.zeros(size)])
    assert (loss is None) == (choice.selected["distortion"] == "eager")
    return choice.selected["distortion"], said[0]


@needs_compiler
@pytest.mark.parametrize(
    ("name", "size", "taken"), [("mse", 6144, "eager"), ("mse", 10**6, "native"), ("l1", 10**6, "native")]
)
def test_a_backend_is_taken_where_it_is_faster(name: str, size: int, taken: str) -> None:
    assert choose(name, size) == (taken, f"distortion: {taken}")


def test_eager_takes_the_definition_of_everything() -> None:
    assert choose("l1", 10**6, kernels="eager")[0] == "eager"


@needs_compiler
def test_what_an_earlier_attempt_took_is_taken_again() -> None:
    assert choose("mse", 10**6, previous={"distortion": "eager"}) == ("eager", "distortion: eager (as before)")
    assert choose("mse", 6144, previous={"distortion": "native"})[0] == "native"


def test_what_an_earlier_attempt_took_and_is_gone_is_missed_aloud(monkeypatch: pytest.MonkeyPatch) -> None:
    gone(monkeypatch, "no compiler today")
    taken, said = choose("mse", 10**6, previous={"distortion": "native"})
    assert taken == "eager"
    assert said == ("distortion: eager (no compiler today; not native as before: results may differ by rounding)")


def test_without_a_compiler_the_next_best_is_taken_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    gone(monkeypatch, "no compiler today")
    assert choose("l1", 10**6) == ("explicit", "distortion: explicit (no compiler today)")
    assert choose("l1", 20_000) == ("eager", "distortion: eager (no compiler today)")


def test_a_backend_that_computes_something_else_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = replace(backends("distortion")[0], name="native", build=slightly_wrong)
    monkeypatch.setattr(choosing, "backends", lambda _operator: (broken, *backends("distortion")[:2]))
    taken, said = choose("l1", 10**6)
    assert taken == "explicit"
    assert "distortion: native disagrees with float64 on odd sizes: gradient 0 of the reconstruction is off by" in said


def gone(monkeypatch: pytest.MonkeyPatch, reason: str) -> None:
    """Takes the native backend away."""
    found = tuple(
        replace(each, missing=lambda _device: reason) if each.name == "native" else each
        for each in backends("distortion")
    )
    monkeypatch.setattr(choosing, "backends", lambda _operator: found)


@needs_compiler
@pytest.mark.parametrize(
    ("loss", "size", "taken"), [("hinge", 640, "native"), ("vanilla", 640, "eager"), ("vanilla", 43_008, "native")]
)
def test_where_little_is_saved_the_last_bit_is_kept(loss: str, size: int, taken: str) -> None:
    choice = Choice("auto", "cpu")
    options = {"loss": loss, "player": "discriminator", "reduction": "mean"}
    choice.loss("discriminator", loss, "adversarial", options, [torch.zeros(size)])
    assert choice.selected == {"discriminator": taken}
