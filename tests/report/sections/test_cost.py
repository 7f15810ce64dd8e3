from __future__ import annotations

from pathlib import Path

from ablate.analysis import read_study
from ablate.report.document import Cards, Section, Table
from ablate.report.evidence import Evidence
from ablate.report.sections.cost import cost
from tests.fabricated_store import Fabrication, fabricate

AXES = {"loss.lambda_x": [12.0, 48.0]}


def section(root: Path, at_once: dict[int, int], **what: object) -> Section:
    environments = {cell: {"cells_at_once": count} for cell, count in at_once.items()}
    store = fabricate(root, Fabrication(axes=AXES, recon=False, environments=environments, **what))  # type: ignore[arg-type]
    return cost(Evidence(read_study(store), store))


def cells_column(found: Section) -> list[tuple[str, str]]:
    (table,) = [block for block in found.blocks if isinstance(block, Table)]
    at = next(index for index, column in enumerate(table.columns) if column.title == "cells")
    return [(row[at].text, row[at].below) for row in table.rows]


def test_cells_that_ran_alone_are_averaged_without_those_that_shared_their_device(tmp_path: Path) -> None:
    found = section(tmp_path, {0: 1, 1: 4, 2: 4, 3: 4})
    assert [arm["ran"] for arm in found.numbers["arms"]] == [["alone"], ["packed"]]
    assert cells_column(found) == [("1 of 2", ""), ("2 of 2", "packed")]


def test_how_cells_of_older_stores_ran_is_not_known(tmp_path: Path) -> None:
    found = section(tmp_path, {})
    assert [arm["ran"] for arm in found.numbers["arms"]] == [["not recorded"], ["not recorded"]]
    assert any("“not recorded” may have run beside others" in getattr(block, "plain", "") for block in found.blocks)


def test_a_ratio_to_the_baseline_is_given_only_between_cells_that_ran_alone(tmp_path: Path) -> None:
    def ratios(found: Section) -> list[str]:
        (table,) = [block for block in found.blocks if isinstance(block, Table)]
        at = next(index for index, column in enumerate(table.columns) if column.title == "training a cell")
        return [row[at].below for row in table.rows]

    assert ratios(section(tmp_path / "alone", dict.fromkeys(range(4), 1))) == ["", "0%"]
    assert ratios(section(tmp_path / "packed", dict.fromkeys(range(4), 2))) == ["", ""]


def test_totals_count_every_cell(tmp_path: Path) -> None:
    totals = section(tmp_path, {0: 1, 1: 4}, warmup_seconds=60.0).numbers["totals"]
    assert (totals["train_seconds"], totals["eval_seconds"], totals["warmup_seconds"]) == (80.0, 10.0, 120.0)


def test_warm_ups_are_told_with_how_many_cells_began_from_them(tmp_path: Path) -> None:
    found = section(tmp_path, {0: 1, 1: 4}, warmup_seconds=60.0)
    (cards,) = [block for block in found.blocks if isinstance(block, Cards)]
    assert cards.cards[0].name == "2 trainings, for 4 cells"
