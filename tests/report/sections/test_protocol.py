from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path

from ablate.analysis import read_study
from ablate.cli.select import selection
from ablate.report.document import Code, Items, Section, Text
from ablate.report.evidence import Evidence
from ablate.report.sections.protocol import protocol
from tests.fabricated_store import Fabrication, fabricate

AXES = {"loss.adversarial": ["lsgan", "or 'not' and"], "loss.lambda_x": [12.0, 48.0]}


def section(root: Path, what: Fabrication) -> tuple[Evidence, Section]:
    store = fabricate(root, what)
    evidence = Evidence(read_study(store), store)
    return evidence, protocol(evidence)


def test_the_command_of_a_cell_selects_that_cell_alone_whatever_its_name(tmp_path: Path) -> None:
    evidence, found = section(tmp_path, Fabrication(name="odd's", axes=AXES, aa=True, recon=False))
    labels = [cell.label for cell in evidence.study.cells]
    assert len(found.numbers["commands"]) == len(labels) == 9
    for cell in evidence.study.cells:
        words = shlex.split(found.numbers["commands"][cell.id])
        assert words[:3] == ["ablate", "run", "odd's.toml"]
        wanted = selection(words[words.index("--select") + 1], labels)
        assert [label for label in labels if wanted(label)] == [cell.label]


def test_data_are_named_with_the_hash_of_each_split(tmp_path: Path) -> None:
    evidence, found = section(tmp_path, Fabrication(recon=False))
    data = evidence.study.cells[0].config["data"]
    rows = {row["split"]: row for row in found.numbers["data"]}
    assert rows["train"]["sha256"] == data["train_digest"]
    assert rows["test"]["sha256"] == data["test_digest"]
    assert rows["train"]["sha256"] != rows["test"]["sha256"]
    assert rows["test"]["cells"] == 24


def test_folders_go_by_their_names_and_not_by_where_they_lie_here(tmp_path: Path) -> None:
    folders = {"data.source": "folder", "data.train": "/home/somebody/bsds500", "data.test": "/home/somebody/kodak"}
    _, found = section(tmp_path, Fabrication(settings=folders, recon=False))
    assert {row["source"] for row in found.numbers["data"]} == {"folder bsds500", "folder kodak"}


def test_the_checklist_tells_what_was_lost(tmp_path: Path) -> None:
    def answers(found: Section) -> str:
        return " ".join(i.plain for block in found.blocks if isinstance(block, Items) for i in block.items)

    _, whole = section(tmp_path / "whole", Fabrication(axes={}, recon=False))
    assert "every planned run is in the tables" in answers(whole)
    assert "torch 2.11.0 and python 3.11.9" in answers(whole)
    _, lossy = section(tmp_path / "lossy", Fabrication(axes={}, status={0: "diverged"}, recon=False))
    assert "1 diverged of 2 runs have no measurement" in answers(lossy)


def test_the_grid_file_is_there_to_be_saved(tmp_path: Path) -> None:
    evidence, found = section(tmp_path, Fabrication(recon=False))
    assert any(block.text == evidence.study.grid_text for block in found.blocks if isinstance(block, Code))


def test_a_grid_file_that_is_gone_is_named(tmp_path: Path) -> None:
    store = fabricate(tmp_path, Fabrication(axes={}, seeds=[0], recon=False))
    (store.path / "grid.toml").unlink(missing_ok=True)
    blocks = protocol(Evidence(read_study(store), store)).blocks
    assert any("grid.toml is not in the store" in block.text for block in blocks if isinstance(block, Code))


def test_a_distance_over_too_few_patches_is_told_with_what_it_asks_for(tmp_path: Path) -> None:
    store = fabricate(tmp_path, Fabrication(axes={}, seeds=[0], recon=False))
    study = read_study(store)
    assert study.cells[0].result is not None
    study.cells[0].result.protocol["fd_lite0_112"] |= {"enough": False, "patches_needed": 999}
    notes = [block.plain for block in protocol(Evidence(study, store)).blocks if isinstance(block, Text)]
    assert any("rests on 412 patches; a covariance of its features asks for 999" in note for note in notes)


def test_how_far_a_distance_lies_above_its_limit_is_told_with_what_it_differs_by(tmp_path: Path) -> None:
    store = fabricate(tmp_path, Fabrication(axes={"loss.adversarial": ["lsgan", "hinge"]}, seeds=[0], recon=False))
    study = read_study(store)
    for cell, excess in zip(study.cells, (3.0, 5.5), strict=True):
        assert cell.result is not None
        scores = cell.result.metrics["ema"]
        scores["fd_lite0_112_infinity"] = scores["fd_lite0_112"] - excess
        cell.result.protocol["fd_lite0_112"] |= {"enough": True, "patches_needed": 224}
    notes = [block.plain for block in protocol(Evidence(study, store)).blocks if isinstance(block, Text)]
    assert any("412 patches. With ever more of them it would be lower by 3.0 to 5.5" in note for note in notes)


def test_tuned_cells_have_no_command_of_their_own_and_the_title_says_why(tmp_path: Path) -> None:
    evidence, _ = section(tmp_path, Fabrication(axes={"loss.lambda_x": [12.0, 48.0]}, seeds=[0], recon=False))
    cells = [replace(cell, part="final" if number else "design") for number, cell in enumerate(evidence.study.cells)]
    found = protocol(Evidence(replace(evidence.study, cells=tuple(cells)), evidence.store))
    assert list(found.numbers["commands"]) == [cells[0].id]
    titles = [block.title for block in found.blocks if isinstance(block, Code)]
    assert any("1 cell, by id; tuned cells take their trials, and so the whole grid" in title for title in titles)


def test_the_checklist_names_the_metrics_that_were_chosen_where_none_were_declared(tmp_path: Path) -> None:
    def chosen(compare: dict[str, object]) -> str:
        _, found = section(tmp_path / str(len(compare)), Fabrication(axes={}, compare=compare, recon=False))
        items = [item.plain for block in found.blocks if isinstance(block, Items) for item in block.items]
        return next(item for item in items if item.startswith("Chosen beforehand."))

    assert "not declared in the grid file; the report chose PSNR and FD-Lite0-112." in chosen({})
    assert "Primary metrics: declared in the grid file." in chosen({"primary": ["psnr"]})
