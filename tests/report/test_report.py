from __future__ import annotations

import json
import math
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ablate.report import write_report
from ablate.store import Store
from tests.fabricated_store import Fabrication, fabricate
from tests.report.conftest import Written

ONE_AXIS = {"loss.lambda_x": [12.0, 48.0]}


def numbers(value: Any) -> Iterator[float]:
    if isinstance(value, dict):
        for part in value.values():
            yield from numbers(part)
    elif isinstance(value, list):
        for part in value:
            yield from numbers(part)
    elif isinstance(value, int | float):
        yield value


def write(root: Path, what: Fabrication) -> tuple[dict[str, Any], str, str]:
    report = write_report([fabricate(root, what)], root / "out")
    return json.loads(report.json.read_text()), report.html.read_text(), report.markdown.read_text()


def test_every_number_is_finite_or_null(written: Written) -> None:
    def refuse(word: str) -> float:
        raise AssertionError(f"{word} is not JSON")

    content = json.loads(written.report.json.read_text(), parse_constant=refuse)
    assert all(math.isfinite(number) for number in numbers(content))


def test_the_numbers_are_those_of_the_cells(written: Written) -> None:
    content = json.loads(written.report.json.read_text())
    result = written.store.cell(content["results"]["cells"][0]["id"]).result()
    assert result is not None
    assert content["results"]["cells"][0]["metrics"] == result.metrics
    assert content["completeness"]["planned"] == 24
    assert {content["completeness"][status] for status in ("diverged", "failed")} == {1}


def test_cells_that_diverged_or_failed_are_rows_with_step_and_cause(written: Written) -> None:
    rows = json.loads(written.report.json.read_text())["results"]["cells"]
    assert len(rows) == 24
    assert (rows[5]["status"], rows[5]["step"], rows[5]["cause"]) == ("diverged", 375, "non-finite loss at step 375")
    assert rows[5]["metrics"] is None
    for page in (written.html, written.markdown):
        assert "diverged at step 375" in page
        assert "non-finite loss at step 375" in page
        assert "RuntimeError: out of memory" in page


def test_the_headline_refuses_what_two_seeds_cannot_show(written: Written) -> None:
    verdict = json.loads(written.report.json.read_text())["verdict"]
    assert verdict["smallest_p"] == 0.5
    assert verdict["seeds_needed"] == 6
    for page in (written.html, written.markdown):
        assert "2 seeds cannot reach significance" in page
        assert "6 seeds reach 0.031" in page


def test_lambda_raises_psnr_in_the_effects_as_it_does_in_the_made_up_world(written: Written) -> None:
    effects = json.loads(written.report.json.read_text())["effects"]["effects"]
    found = next(each for each in effects if each["axis"] == "lambda_x" and each["metric"] == "psnr")
    assert found["interval"]["mean"] == pytest.approx(1.4, abs=0.3)
    comparisons = json.loads(written.report.json.read_text())["verdict"]["contrasts"]
    same = next(each for each in comparisons if each["effect"] == found)
    assert (same["judgement"]["smallest_p"], same["verdict"]) == (0.5, "inconclusive")


def test_a_distance_of_another_extractor_is_never_called_fid(written: Written) -> None:
    content = (
        re.sub(r"data:[^\"]+", "", written.html)
        .replace("not the FID of the literature", "")
        .replace("never comparable with FID", "")
    )
    assert "FID" not in content
    assert "FD-Lite0-112" in content


def test_writing_twice_gives_the_same_files(written: Written, tmp_path: Path) -> None:
    again = write_report([written.store], tmp_path)
    for name in ("html", "markdown", "json"):
        assert getattr(again, name).read_bytes() == getattr(written.report, name).read_bytes()


def test_a_grid_with_nothing_done_says_so(tmp_path: Path) -> None:
    content, html, markdown = write(tmp_path, Fabrication(axes=ONE_AXIS, status=dict.fromkeys(range(4), "pending")))
    assert content["completeness"]["pending"] == 4
    assert content["verdict"]["winners"] == []
    assert "No cell has finished yet" in html
    assert "No cell has finished yet" in markdown


def test_a_grid_where_everything_diverged_says_so(tmp_path: Path) -> None:
    content, html, _ = write(tmp_path, Fabrication(axes=ONE_AXIS, status=dict.fromkeys(range(4), "diverged")))
    assert content["completeness"]["diverged"] == 4
    assert "Every cell diverged." in html
    assert len(content["training"]["curves"]) > 0


def test_one_cell_without_axes_is_reported_without_a_ranking(tmp_path: Path) -> None:
    content, html, _ = write(tmp_path, Fabrication(axes={}, seeds=[3]))
    assert content["results"]["cells"][0]["status"] == "done"
    assert "The grid has one arm" in html
    assert "Nothing varies in this grid but the seed" in html
    assert content["images"]["seed"] == 3


def test_one_seed_has_differences_without_intervals(tmp_path: Path) -> None:
    content, html, _ = write(tmp_path, Fabrication(axes=ONE_AXIS, seeds=[0]))
    effect = content["effects"]["effects"][0]
    assert effect["interval"]["mean"] > 0
    assert effect["interval"]["low"] is None
    assert "1 seed cannot reach significance" in html


def test_undefined_values_are_shown_as_such_with_a_note(written: Written) -> None:
    content = json.loads(written.report.json.read_text())
    assert content["results"]["cells"][0]["metrics"]["ema"]["ms_ssim"] is None
    assert "MS-SSIM is undefined where a side is below 161 pixels, and leaves out" in written.html
    assert ">undefined</td>" in written.html


def test_arms_beside_the_axes_repetitions_and_warm_starts_are_reported(tmp_path: Path) -> None:
    control = {"no-GAN control": {"loss.adversarial_weight": 0.0}}
    what = Fabrication(axes=ONE_AXIS, seeds=[0], beside=control, aa=True, warmup_seconds=60.0, recon=False)
    content, html, _ = write(tmp_path, what)
    assert [each["arm"] for each in content["results"]["arms"]][2] == "no-GAN control"
    assert [cell["replicate"] for cell in content["results"]["cells"]] == [0, 0, 0, 1]
    assert content["effects"]["effects"][0]["planned_pairs"] == 1
    assert content["cost"]["totals"]["warmup_seconds"] == 60.0
    assert "added beside the axes" in html
    assert ">0 again<" in html
    assert content["results"]["arms"][0]["done"] == 1
    assert "differs from itself by PSNR 0.00 dB" in html


def test_a_grid_that_was_never_run_is_refused_with_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"no plan\.json"):
        write_report([Store(tmp_path, "nothing")], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_importing_the_report_loads_nothing_heavy() -> None:
    heavy = "('torch', 'pandas', 'matplotlib', 'seaborn', 'scipy', 'numpy', 'jinja2', 'PIL')"
    script = f"import sys, ablate.report; assert not [m for m in {heavy} if m in sys.modules], sorted(sys.modules)"
    subprocess.run([sys.executable, "-c", script], check=True)


def test_two_grids_make_one_report_with_the_images_and_commands_of_both(tmp_path: Path) -> None:
    grids = [Fabrication("one", axes=ONE_AXIS), Fabrication("two", axes=ONE_AXIS, seeds=[2, 3], first=100)]
    stores = [fabricate(tmp_path, grid) for grid in grids]
    report = write_report(stores, tmp_path / "out")
    content = json.loads(report.json.read_text())
    assert content["name"] == "one + two"
    assert [len(arm["cells"]) for arm in content["results"]["arms"]] == [4, 4]
    commands = content["protocol"]["commands"]
    assert "ablate run one.toml" in commands["000000000000"]
    assert "ablate run two.toml" in commands["000000000064"]
    assert len(content["training"]["curves"]) > 0


def test_tables_that_are_asked_for_lie_beside_the_report(tmp_path: Path) -> None:
    report = write_report([fabricate(tmp_path, Fabrication(axes=ONE_AXIS))], tmp_path / "out", ["csv", "tex"])
    assert {path.name for path in report.tables} >= {"arms.csv", "arms.tex", "cells.csv", "cells.tex"}
    rows = (tmp_path / "out" / "tables" / "cells.csv").read_text().splitlines()
    assert len(rows) == 1 + 4
    assert "training (s)" in rows[0]
    # A column of seconds has no other unit in its fields.
    assert " 20.0 | `0" in report.markdown.read_text()


def test_what_an_earlier_report_wrote_beside_its_pages_goes_and_what_is_not_its_own_stays(tmp_path: Path) -> None:
    stores = [fabricate(tmp_path, Fabrication(axes=ONE_AXIS, recon=False))]
    out = tmp_path / "out"
    mine = ["figures/architecture.pdf", "figures/photo.png", "figures/mine.svg", "tables/related.tex"]
    for name in mine:
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).write_text("mine")
    write_report(stores, out, ["csv"], figures="png")
    asked = {"tables/arms.csv", "figures/tradeoff-page.png"}
    assert asked <= files_of(out)
    write_report(stores, out)
    assert files_of(out) >= {*mine, "figures/tradeoff.svg", "report.html"}
    assert not asked & files_of(out)


@pytest.mark.parametrize("numbers", ["no JSON", '{"files": ["../notes.txt"]}'])
def test_a_report_without_a_list_of_its_files_has_nothing_deleted(tmp_path: Path, numbers: str) -> None:
    stores = [fabricate(tmp_path, Fabrication(axes=ONE_AXIS, recon=False))]
    out = tmp_path / "out"
    (out / "figures").mkdir(parents=True)
    for path in (out / "figures/old.svg", tmp_path / "notes.txt", out / "notes.txt"):
        path.write_text("mine")
    (out / "report.json").write_text(numbers)
    write_report(stores, out)
    assert {"figures/old.svg", "notes.txt"} <= files_of(out)
    assert (tmp_path / "notes.txt").exists()


def files_of(out: Path) -> set[str]:
    return {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}
