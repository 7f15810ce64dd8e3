import pytest

from ablate.bench.record import Journal
from ablate.report.document import Figure, Table
from ablate.report.report import build, gather
from ablate.store import Store
from tests.fabricated_store import Fabrication, fabricate

CEILINGS = {"copy": 40e9, "triad": 39e9, "read": 38e9, "flops": 1e11, "launch": 1e-6, "cache": 1 << 25}
HEAD = {"schema": 1, "device": "cpu", "threads": 1, "ceilings": CEILINGS}


def row(backend, ratio, shape="4x3x256x256", kernel="ms_ssim", **changes):
    pixels = 1
    for side in shape.split("x"):
        pixels *= int(side)
    times = {"device": 1e-3 / ratio[0], "call": 2e-3 / ratio[0]}
    return {
        "kernel": kernel, "direction": "forward+backward", "shape": shape, "dtype": "float32", "device": "cpu",
        "backend": backend, "peer": None, "status": "measured", "judged": "device", "noise": 0.05, "verdict": "faster",
        "ratio": {"cold": {"device": ratio, "call": ratio}}, "median": {"cold": times}, "roofline": 0.1 * ratio[0],
        "max_possible": 20.0, "bytes_over_least": 4.0, "least_bytes": 12 * pixels, "samples": {"cold": "kept"},
        "bytes_a_second": 12 * pixels / times["device"],
    } | changes  # fmt: skip


EAGER = [1.0, 1.0, 1.0]


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> Store:
    return fabricate(tmp_path_factory.mktemp("throughput"), Fabrication(axes={"loss.adversarial": ["lsgan", "hinge"]}))


def written(store, *runs):
    folder = store.root / "bench"
    for old in folder.glob("*"):
        old.unlink()
    for number, rows in enumerate(runs):
        journal = Journal(folder / f"2026010{number}T000000-cpu.jsonl")
        journal.begin(HEAD)
        for each in rows:
            journal.write(each)
        journal.end("complete", [])
    found = [section for section in build(gather([store])).sections if section.id == "throughput"]
    return found[0] if found else None


def table(section, name):
    (found,) = [block for block in section.blocks if isinstance(block, Table) and block.name == name]
    return [[value.text for value in row] for row in found.rows]


def test_there_is_no_section_where_nothing_was_measured(store):
    assert written(store) is None


def test_every_backend_is_listed_and_who_was_refused_with_the_reason(store):
    refused = row("broken", EAGER, status="failed", reason="the loss is 1, not 2")
    section = written(store, [row("eager", EAGER), row("native", [8.0, 7.0, 9.0]), refused])
    rows = table(section, "throughput")
    assert [line[2] for line in rows] == ["eager", "native", "broken"]
    assert rows[1][3:7] == ["0.125", "0.25", "8.00 [7.00, 9.00]", "20.0"]
    assert rows[2][3:] == ["–", "–", "–", "–", "–", "failed"]
    assert section.numbers["rows"][2]["reason"] == "the loss is 1, not 2"
    assert "samples" not in section.numbers["rows"][0]


def test_a_case_is_shown_as_its_latest_run_has_it(store):
    section = written(
        store,
        [row("eager", EAGER), row("native", [8.0, 7.0, 9.0]), row("old", [2.0, 1.9, 2.1])],
        [row("eager", EAGER), row("native", [4.0, 3.0, 5.0])],
        [row("eager", EAGER, kernel="l1"), row("native", [3.0, 2.9, 3.1], kernel="l1")],
    )
    assert [(line[0], line[2], line[5]) for line in table(section, "throughput")] == [
        ("ms_ssim", "eager", "1"),
        ("ms_ssim", "native", "4.00 [3.00, 5.00]"),
        ("l1", "eager", "1"),
        ("l1", "native", "3.00 [2.90, 3.10]"),
    ]


def test_the_control_is_noise_and_no_backend(store):
    section = written(store, [row("eager", EAGER), row("eager again", [1.01, 0.9, 1.1], noise=0.12)])
    assert [line[2] for line in table(section, "throughput")] == ["eager"]
    assert "Eager differed from itself by up to 12 %." in section.blocks[0].plain


def test_throughput_over_size_is_drawn_from_two_sizes_on(store):
    small, large = "1x3x176x176", "8x3x512x512"
    one = written(store, [row("eager", EAGER, small)])
    assert [block.name for block in one.blocks if isinstance(block, Figure)] == ["throughput"]
    two = written(
        store, [row("eager", EAGER, small), row("eager", EAGER, large), row("native", [9.0, 8.0, 9.5], large)]
    )
    figures = {block.name: block for block in two.blocks if isinstance(block, Figure)}
    assert set(figures) == {"throughput", "throughput-size"}
    assert "ms_ssim  8x3x512x512" in figures["throughput"].svg
    assert "ms_ssim  1x3x176x176" not in figures["throughput"].svg


def test_the_training_step_has_a_table_of_its_own(store):
    split = {"data": 1.0, "encoder": 3.0, "losses": 4.0}
    step = {"kernel": "training_step", "direction": "step", "images_a_second": {"call": 31.7, "device": 90.0}}
    section = written(
        store, [row("eager", EAGER, **step, split=split), row("auto", [1.1, 1.0, 1.2], **step, split=split)]
    )
    assert table(section, "training-step")[1][2:] == ["31.7", "1.10 [1.00, 1.20]", "12", "38", "50"]
