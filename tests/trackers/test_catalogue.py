"""Trackers by name: what there is, what they may be told, and what is said where their package is missing."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys

import pytest

from ablate.cli.track import tracker_terms
from ablate.registry import AbsentError, UnknownNameError
from ablate.terms import Term
from ablate.trackers.catalogue import modules, require_trackers, trackers


def test_every_tracker_says_what_it_is_and_names_its_modules():
    assert list(trackers) == ["csv", "tensorboard", "mlflow", "wandb", "trackio"]
    assert {name: bool(trackers[name].facts["preload"]) for name in trackers} == {
        name: name != "csv" for name in trackers
    }
    assert modules(["csv", "wandb", "unheard of"]) == ("wandb",)


def test_a_command_line_gives_options_in_their_types():
    (term,) = tracker_terms(["mlflow uri=http://localhost:5000 images=3"])
    assert term == Term(name="mlflow", options={"uri": "http://localhost:5000", "experiment": "", "images": 3})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("mlflo", "did you mean 'mlflow'"),
        ("", "unknown tracker ''"),
        ("mlflow url=x", "did you mean 'uri'"),
        ("mlflow uri", "OPTION=VALUE"),
        ("mlflow images=few", "mlflow images = 'few' is no int"),
        ("mlflow images=-1", "at least 0"),
    ],
)
def test_what_a_tracker_does_not_have_is_refused_in_a_sentence(text: str, said: str):
    with pytest.raises(ValueError, match=said.replace("?", "[?]")):
        tracker_terms([text])


def test_a_package_that_is_missing_is_named_before_anything_runs(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    require_trackers([Term(name="csv")])
    with pytest.raises(AbsentError, match=r"needs the package wandb.*pip install '\.\[wandb\]'"):
        require_trackers([Term(name="wandb")])
    with pytest.raises(UnknownNameError):
        require_trackers([Term(name="wand")])


@pytest.mark.parametrize(
    ("package", "tells"),
    [
        ("mlflow", "from mlflow.telemetry.client import get_telemetry_client; tells = get_telemetry_client()"),
        ("wandb", "from wandb.env import error_reporting_enabled; tells = error_reporting_enabled()"),
    ],
)
def test_what_is_kept_on_this_machine_is_not_told_to_a_trackers_makers(package: str, tells: str):
    pytest.importorskip(package)
    program = f"from ablate.trackers.catalogue import modules; modules(['{package}']); {tells}; assert not tells"
    own = {name: value for name, value in os.environ.items() if not name.startswith(("MLFLOW_", "WANDB_"))}
    subprocess.run([sys.executable, "-c", program], check=True, env=own)
