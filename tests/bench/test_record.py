import json

import pytest

from ablate.bench.record import Journal, compact, newest, read
from ablate.bench.summary import markdown
from tests.bench.test_comparison import row

HEAD = {
    "schema": 1,
    "device": "cpu",
    "threads": 1,
    "device_time": "processor time",
    "environment": {"cpu": "a processor", "python": "3.11.7", "git": "abc", "load_average": 7.0},
    "ceilings": {"copy": 40e9, "triad": 39e9, "read": 38e9, "flops": 1e11, "launch": 1e-6, "cache": 1 << 25},
}
MEASURED = {
    "samples": {"cold": {"device": [0.001, 0.00123456789]}},
    "median": {"cold": {"device": 0.00123456789, "call": 0.002}},
    "max_possible": 20.0,
    "bytes_over_least": 4.0,
    "roofline": 0.5,
    "verdict": "faster",
}


@pytest.fixture
def journal(tmp_path):
    journal = Journal(tmp_path / "bench" / "20260101T000000-cpu.jsonl")
    journal.begin(HEAD)
    journal.write(row("eager", [1.0, 1.0, 1.0], **MEASURED | {"verdict": "baseline"}))
    journal.write(row("native", [8.0, 7.0, 9.0], **MEASURED))
    journal.write(row("broken", None, status="failed", reason="the loss is 1, not 2"))
    return journal


def test_a_journal_reads_back_as_the_document_it_is(journal):
    journal.end("complete", ["l1"])
    document = read(journal.path)
    assert document == json.loads(json.dumps(journal.document()))
    assert (document["ended"], document["left_out"]) == ("complete", ["l1"])


def test_a_run_that_was_killed_keeps_its_rows(journal):
    with open(journal.path, "ab") as file:
        file.write(b'{"type": "row", "kernel": "l')
    document = read(journal.path)
    assert document["ended"] == "killed"
    assert [each["backend"] for each in document["rows"]] == ["eager", "native", "broken"]


def test_what_is_committed_has_no_samples_and_nothing_of_the_machines_own(journal):
    small = compact(journal.document())
    assert not any("samples" in each for each in small["rows"])
    assert small["environment"] == {"cpu": "a processor", "python": "3.11.7"}
    assert small["rows"][1]["median"]["cold"]["device"] == 0.001235
    assert small["rows"][1]["ratio"] == journal.document()["rows"][1]["ratio"]


def test_the_newest_run_of_a_case_counts_whole(journal, tmp_path):
    journal.end("complete", [])
    later = Journal(tmp_path / "bench" / "20260102T000000-cpu.jsonl")
    later.begin(HEAD)
    later.write(row("native", [4.0, 3.0, 5.0], **MEASURED))
    later.end("interrupted", [])
    assert [(each["backend"], each["ratio"]["cold"]["device"][0]) for each in newest(tmp_path)] == [("native", 4.0)]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "is not JSON"),
        ('{"psnr": 1}', "holds no results of `ablate bench`"),
        ('{"rows": []}', "has the schema None"),
    ],
)
def test_a_file_that_is_none_of_the_benchs_is_refused(tmp_path, content, said):
    (tmp_path / "other.json").write_text(content)
    with pytest.raises(ValueError, match=said):
        read(tmp_path / "other.json")


def test_the_page_shows_ratios_and_who_was_not_timed(journal):
    page = markdown(journal.document(), "ablate bench").splitlines()
    (native,) = [line for line in page if "| native |" in line]
    assert native == (
        "| ms_ssim 4x3x256x256 | native | 1.23 ms | 2 ms | 8.00 [7.00, 9.00] | 4.0 | 20.0 | 50 % | faster |"
    )
    assert "- ms_ssim 4x3x256x256, forward+backward, broken: failed, the loss is 1, not 2" in page
    assert page[0] == "# Loss kernels on a processor, 1 thread(s)"
