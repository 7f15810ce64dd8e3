from __future__ import annotations

from pathlib import Path

import pytest

from ablate.analysis import read_study, t_interval
from ablate.metrics.catalogue import metrics
from ablate.report.document import Column, Value
from ablate.report.evidence import Evidence
from ablate.report.numbers import MINUS, NONE
from ablate.report.tables import MANY, arm_fields, difference, number, numbers, scores, table, words
from tests.fabricated_store import Fabrication, fabricate


def test_each_row_has_a_value_for_each_field_in_their_order() -> None:
    rows = [("lsgan", 21.456), ("hinge", None)]
    found = table(
        "t", "T", rows, words("loss", lambda row: row[0]), numbers("PSNR", lambda row: row[1], "dB", decimals=2)
    )
    assert found.columns == (Column("loss", numeric=False), Column("PSNR", "dB"))
    assert found.rows[0] == (Value("lsgan", sort="lsgan"), Value("21.46", sort=21.456))
    # A number that is missing sorts last and stands back.
    assert found.rows[1][1] == Value(NONE, tone="muted")


def test_a_field_may_write_its_value_itself() -> None:
    found = table("t", "T", [3], numbers("seeds", lambda row: Value(f"{row} of 4", "one failed", row, "bad")))
    assert found.rows == ((Value("3 of 4", "one failed", 3, "bad"),),)


@pytest.mark.parametrize(("rows", "filterable"), [(MANY, False), (MANY + 1, True)])
def test_a_long_table_can_be_filtered(rows: int, filterable: bool) -> None:
    assert table("t", "T", range(rows), numbers("n", lambda row: row)).filterable is filterable


def test_a_metrics_heading_says_what_it_is_and_which_way_is_better() -> None:
    (field,) = scores([metrics["psnr"]], lambda row, metric: row[metric.name])
    assert (field.column.title, field.column.unit) == ("PSNR", "dB")
    assert field.column.hint.endswith("higher is better")
    assert field.of({"psnr": 21.0}).text == "21.00"


def test_a_difference_has_its_sign_and_its_interval_in_the_unit_of_the_column() -> None:
    found = difference(t_interval([-0.02, -0.02]), 1, 100)
    assert (found.text, found.below) == (f"{MINUS}2.0", f"[{MINUS}2.0, {MINUS}2.0]")
    assert found.sort == pytest.approx(-2)
    assert difference(None, 1) == number(None)


def test_arms_have_a_field_an_axis_and_those_beside_the_axes_go_by_their_name(tmp_path: Path) -> None:
    what = Fabrication(
        axes={"loss.lambda_x": [12.0, 48.0]}, seeds=[0], recon=False, log_points=2,
        beside={"control": {"loss.adversarial_weight": 0.0}},
    )  # fmt: skip
    store = fabricate(tmp_path, what)
    evidence = Evidence(read_study(store), store)
    found = table("t", "T", evidence.study.arms, *arm_fields(evidence, lambda arm: (arm.name, arm.axes)))
    assert [column.title for column in found.columns] == ["added", "lambda_x"]
    first, second, control = found.rows
    assert (first[0].text, first[1]) == ("", Value("12", "baseline", 12))
    assert second[1] == Value("48", "", 48)
    assert (control[0].text, control[1].tone) == ("control", "muted")
