"""Other codecs in the report: compared where images and protocol are the same, shown apart elsewhere."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from ablate.analysis import read_study
from ablate.analysis.intervals import t_interval
from ablate.analysis.rate_curves import rate_axis, vertices
from ablate.analysis.references import Incomparable, Missing, against
from ablate.evaluate.reference_curves import references_of
from ablate.records import Reference
from ablate.report.document import Figure, Items, Section, Table
from ablate.report.evidence import Evidence
from ablate.report.sections.rate_curves import rate_curves
from ablate.report.sections.references import IN_WORDS, references
from ablate.store import Store
from tests.fabricated_store import BITS, Fabrication, fabricate

AXES = {"model.channels": [2, 4, 8, 16]}
POINTS = "bpp,psnr,ms_ssim,fid\n0.02,20.5,0.90,9\n0.05,22,0.92,8\n0.09,23,0.93,7\n0.16,24,0.95,6\n"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store whose bits rise with the channels."""
    directory = tmp_path_factory.mktemp("references")
    with pytest.MonkeyPatch.context() as patch:
        for channels, bits in zip((2, 4, 8, 16), (0.03, 0.06, 0.1, 0.15), strict=True):
            patch.setitem(BITS, channels, bits)
        fabricate(directory, Fabrication(axes=AXES, recon=False))
    (directory / "points.csv").write_text(POINTS)
    return directory


def evidence(root: Path, *declared: dict[str, Any], measure: bool = False) -> Evidence:
    store = Store(root / "runs", "made-up")
    plan = store.plan()
    assert plan is not None
    plan = plan.model_copy(update={"references": tuple(map(Reference.model_validate, declared))})
    store.write_plan(plan)
    for reference in references_of(plan, store.data_cache) if measure else ():
        reference.measure()
    return Evidence(read_study(store), store)


def tables(section: Section) -> dict[str, Table]:
    return {block.name: block for block in section.blocks if isinstance(block, Table)}


def text(table: Table) -> str:
    return "\n".join(" | ".join(f"{value.text} {value.below}" for value in row) for row in table.rows)


def file(root: Path, **declared: Any) -> dict[str, Any]:
    return {"file": str(root / "points.csv"), **declared}


def test_without_references_there_is_no_section(root: Path) -> None:
    assert references(evidence(root)).blocks == ()


def test_declared_points_are_drawn_and_enter_bd_rate(root: Path) -> None:
    given = evidence(root, file(root, name="theirs", same_images=True, same_convention=["psnr"]))
    found = references(given)
    assert found.numbers["codecs"][0]["compared"] == ["bpp_actual", "psnr"]
    assert found.numbers["codecs"][0]["refused"] == {
        name: {"reason": Incomparable.convention_unknown, "differences": []} for name in ("ms_ssim", "fid")
    }
    (row,) = found.numbers["bjontegaard"]
    assert (row["metric"], row["against"]) == ("psnr", "theirs")
    assert row["rate"] or row["refused"]
    (figure,) = [block for block in found.blocks if isinstance(block, Figure)]
    assert ">theirs<" in figure.svg
    shown = tables(found)
    assert "24.00" in text(shown["codecs-points"])
    assert "0.9500" not in text(shown["codecs-points"])
    assert "0.9500" in text(shown["codecs-apart"])
    (drawn, *_), _ = rate_curves(given)
    assert ">theirs<" in drawn.svg
    assert "Grey, with crosses" in drawn.caption


def test_differences_to_another_codec_have_intervals_over_seeds_alone(root: Path, tmp_path: Path) -> None:
    given = evidence(root, file(root, name="theirs", same_images=True, same_convention=["psnr"]))
    study = given.study
    axis = rate_axis(study)
    seeds = {cell.seed for cell in study.cells}
    assert axis is not None
    assert len(seeds) > 1
    # Points that lie on the mean curve, at 10 % more bits.
    mean = vertices(study, axis, "psnr", ())
    lines = [f"{1.1 * each.rate},{each.interval.mean}" for each in mean]
    (tmp_path / "near.csv").write_text("\n".join(["bpp,psnr", *lines]))
    near = {"file": str(tmp_path / "near.csv"), "name": "near", "same_images": True, "same_convention": ["psnr"]}
    found = references(evidence(root, near))
    (row,) = found.numbers["bjontegaard"]
    assert row["refused"] == ("quality does not change strictly with the bits",), "of these made-up cells"
    assert "rate" not in row["intervals_over_seeds"]
    by_seed = [
        against([(at.rate, at.interval.mean) for at in vertices(study, axis, "psnr", (), seed)],
                [(1.1 * at.rate, at.interval.mean) for at in mean]).quality.value
        for seed in sorted(seeds)
    ]  # fmt: skip
    expected = t_interval(by_seed)
    over = row["intervals_over_seeds"]["quality"]
    assert over == {"low": expected.low, "high": expected.high, "seeds": len(seeds)}
    assert "[" in text(tables(found)["codecs-bd"])
    assert "without seeds and has no interval" in tables(found)["codecs-bd"].caption


@pytest.mark.parametrize(
    ("declared", "reason"),
    [
        ({}, Incomparable.images_unknown),
        ({"images": "0123456789abcdef"}, Incomparable.images_differ),
        ({"same_images": True}, Incomparable.convention_unknown),
    ],
)
def test_points_that_nobody_vouches_for_stand_apart(root: Path, declared: dict[str, Any], reason: Incomparable) -> None:
    given = evidence(root, file(root, name="theirs", **declared))
    found = references(given)
    assert found.numbers["codecs"][0]["refused"]["psnr"]["reason"] == reason
    assert found.numbers["bjontegaard"] == []
    assert not [block for block in found.blocks if isinstance(block, Figure)]
    assert "codecs-points" not in tables(found)
    assert IN_WORDS[reason] in text(tables(found)["codecs"])
    (drawn, *_), _ = rate_curves(given)
    assert "theirs" not in drawn.svg


def test_the_digest_of_the_images_may_be_declared(root: Path) -> None:
    digest = evidence(root).study.cells[0].config["data"]["test_digest"]
    given = evidence(root, file(root, images=digest[:12], same_convention=["psnr"]))
    assert "psnr" in references(given).numbers["codecs"][0]["compared"]


def test_a_measured_codec_is_compared_by_its_protocol(root: Path) -> None:
    declared = {"codec": "jpeg", "qualities": [5, 20, 50, 90]}
    before = references(evidence(root, declared))
    assert before.numbers["codecs"][0]["missing"] == Missing.not_measured
    assert "`ablate references` measures it" in text(tables(before)["codecs"])
    found = references(evidence(root, declared, measure=True))
    (codec,) = found.numbers["codecs"]
    assert "psnr" in codec["compared"]
    # The made-up cells say that they were measured on other images.
    assert codec["refused"]["fd_lite0_112"]["reason"] == Incomparable.protocol_differs
    assert "pictures" in codec["refused"]["fd_lite0_112"]["differences"]
    (row,) = found.numbers["bjontegaard"]
    assert row["refused"], "JPEG spends many times the bits of these cells"
    assert "refused" in text(tables(found)["codecs-bd"])


def test_what_cannot_be_read_or_failed_is_told(root: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.json").write_text("{}")
    command = f"{shutil.which('false')} {{input}} {{output}} {{decoded}}"
    declared = ({"file": str(tmp_path / "bad.json")}, {"name": "broken", "command": command})
    given = evidence(root, declared[1], measure=True)
    found = references(given)
    (items,) = [block for block in found.blocks if isinstance(block, Items)]
    assert "it ended with exit code 1" in items.items[0].plain
    bad = references(evidence(root, *declared))
    assert bad.numbers["codecs"][0]["missing"] == Missing.unreadable
    assert "CompressAI" in text(tables(bad)["codecs"])


def test_a_compressai_file_stands_in_the_report(root: Path) -> None:
    from ablate.report import write_report

    results = {"bpp": [0.05, 0.1], "psnr": [21, 23]}
    (root / "a.json").write_text(json.dumps({"name": "A", "results": results}))
    given = evidence(root, {"file": str(root / "a.json"), "same_images": True, "same_convention": ["psnr"]})
    written = write_report([given.store], root / "reports")
    assert "Beside other codecs" in written.html.read_text()
    numbers = json.loads(written.json.read_text())
    assert numbers["references"]["codecs"][0]["points"][0]["psnr"] == 21
