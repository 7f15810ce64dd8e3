from __future__ import annotations

import subprocess
import sys

import pytest

from ablate.metrics import differences

RECORD = {
    "extractor": "lite0", "tap": 112, "weights_sha256": "5793" * 16, "preprocessing": "native size", "patch": 64,
    "shift": 32, "patches": 412, "paired": True, "rounding": "uint8", "pictures": "abcd" * 16, "images": 6,
    "heads_sha256": "1d3a" * 16,
}  # fmt: skip


def test_equal_records_may_be_compared_whoever_was_trained_against_what() -> None:
    assert differences(RECORD, {**RECORD, "trained_against": True}) == ()


@pytest.mark.parametrize("key", RECORD)
def test_every_decisive_fact_keeps_two_records_apart(key: str) -> None:
    found = differences(RECORD, {**RECORD, key: "another"})
    assert [(each.key, each.first, each.second) for each in found] == [(key, RECORD[key], "another")]


def test_a_fact_that_an_older_record_lacks_is_no_difference() -> None:
    older = {key: value for key, value in RECORD.items() if key not in ("preprocessing", "paired", "images")}
    assert differences(older, RECORD) == ()


def test_a_difference_is_written_for_a_reader() -> None:
    found = differences(RECORD, {**RECORD, "patches": 380, "pictures": "dcba" * 16})
    assert [str(each) for each in found] == ["patches: 412 and 380", "pictures: abcdabcdabcd… and dcbadcbadcba…"]


def test_records_are_compared_without_torch() -> None:
    code = "import sys; from ablate.metrics import differences; differences({}, {}); assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
