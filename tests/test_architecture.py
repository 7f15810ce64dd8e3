"""docs/architecture.md speaks of files that there are, and counts them rightly."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
FLOWS = re.findall(r"^\*\*(.+?)\*\* \((\d+)(?: files)?\): (.+?)\.$", TEXT, re.M | re.S)


def test_five_flows_are_walked() -> None:
    assert len(FLOWS) == 5


@pytest.mark.parametrize(("name", "count", "listed"), FLOWS, ids=[flow[0] for flow in FLOWS])
def test_a_flow_lists_each_of_its_files_once(name: str, count: str, listed: str) -> None:
    files = re.findall(r"`([\w/]+\.py)`", listed)
    assert len(files) == len(set(files)) == int(count)


@pytest.mark.parametrize("file", sorted(set(re.findall(r"`([\w/]+(?:\.py|/))`", TEXT))))
def test_a_file_that_is_named_is_there(file: str) -> None:
    assert (ROOT / "ablate" / file).exists() or (ROOT / file).exists()


def test_the_layers_are_those_that_are_enforced() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = settings["tool"]["importlinter"]["contracts"]
    (layers,) = (contract["layers"] for contract in contracts if contract["type"] == "layers")
    enforced = [set(re.findall(r"\w+", layer)) for layer in layers if layer != "__main__"]
    block = TEXT.partition("## Layers")[2].partition("Each room owns")[0]
    told = [line.strip().split("  ")[0].split(" | ") for line in block.splitlines() if line.startswith("    ")]
    assert len(told) == len(enforced)
    for names, layer in zip(told, enforced, strict=True):
        abridged = names[-1] == "…"
        assert set(names) - {"…"} <= layer if abridged else set(names) == layer
