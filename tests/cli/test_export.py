"""`ablate export` in the shell."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from typer.testing import Result

from tests.fabricated_store import Fabrication, fabricate


def test_files_are_written_and_named(ablate_in: Callable[..., Result]) -> None:
    fabricate(Path(), Fabrication(axes={"model.channels": [4, 8]}, recon=False))
    said = ablate_in("export", "made-up", "--format", "compressai")
    assert said.exit_code == 0, said.output
    assert said.output.splitlines() == ["exports/made-up/made-up.json"]
    assert set(json.loads(Path("exports/made-up/made-up.json").read_text())) == {"name", "description", "results"}
    said = ablate_in("export", "--format", "xml")
    assert said.exit_code == 2


def test_networks_are_those_of_one_cell(ablate_in: Callable[..., Result]) -> None:
    fabricate(Path(), Fabrication(recon=False))
    for arguments, said in {
        ("--format", "onnx"): "name it by --cell",
        ("--cell", "00000000"): "--cell names the codec for --format onnx",
        ("--format", "onnx", "--cell", "nothing"): "no cell under runs has the label or id 'nothing'",
        ("a", "b", "--format", "onnx", "--cell", "0"): "one grid at most has the cell, found a, b",
    }.items():
        found = ablate_in("export", *arguments)
        assert (found.exit_code, said in found.stderr) == (2, True), found.output
